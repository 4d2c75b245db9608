// Command peer fetches pages of transactions, decodes them with encoding/json
// and writes them with pqarrow: the obvious way to do what an export does. It
// neither orders rows, nor looks at anything but transactions, nor checks
// whether a list stood still.
//
// usage: peer OUT <list of URLs, one a line
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"golang.org/x/sync/errgroup"
)

type transaction struct {
	GUID                 string      `json:"guid"`
	AccountGUID          string      `json:"account_guid"`
	MemberGUID           *string     `json:"member_guid"`
	UserGUID             string      `json:"user_guid"`
	Amount               json.Number `json:"amount"`
	Type                 *string     `json:"type"`
	Status               *string     `json:"status"`
	Date                 *string     `json:"date"`
	TransactedAt         *string     `json:"transacted_at"`
	PostedAt             *string     `json:"posted_at"`
	CreatedAt            *string     `json:"created_at"`
	UpdatedAt            *string     `json:"updated_at"`
	Description          *string     `json:"description"`
	OriginalDescription  *string     `json:"original_description"`
	Memo                 *string     `json:"memo"`
	Category             *string     `json:"category"`
	TopLevelCategory     *string     `json:"top_level_category"`
	CurrencyCode         *string     `json:"currency_code"`
	CheckNumber          *int64      `json:"check_number"`
	CheckNumberString    *string     `json:"check_number_string"`
	MerchantGUID         *string     `json:"merchant_guid"`
	MerchantLocationGUID *string     `json:"merchant_location_guid"`
	MerchantCategoryCode *int64      `json:"merchant_category_code"`
	Latitude             *float64    `json:"latitude"`
	Longitude            *float64    `json:"longitude"`
	IsBillPay            *bool       `json:"is_bill_pay"`
	IsDirectDeposit      *bool       `json:"is_direct_deposit"`
	IsExpense            *bool       `json:"is_expense"`
	IsFee                *bool       `json:"is_fee"`
	IsIncome             *bool       `json:"is_income"`
	IsInternational      *bool       `json:"is_international"`
	IsOverdraftFee       *bool       `json:"is_overdraft_fee"`
	IsPayrollAdvance     *bool       `json:"is_payroll_advance"`
	IsSubscription       *bool       `json:"is_subscription"`
}

// cells are the values of a row in the order of columns.
func (t *transaction) cells() []any {
	return []any{&t.GUID, &t.AccountGUID, t.MemberGUID, &t.UserGUID, t.Type, t.Status,
		t.Description, t.OriginalDescription, t.Memo, t.Category, t.TopLevelCategory, t.CurrencyCode,
		t.CheckNumberString, t.MerchantGUID, t.MerchantLocationGUID, t.CheckNumber, t.MerchantCategoryCode,
		t.Latitude, t.Longitude, t.IsBillPay, t.IsDirectDeposit, t.IsExpense, t.IsFee, t.IsIncome,
		t.IsInternational, t.IsOverdraftFee, t.IsPayrollAdvance, t.IsSubscription,
		t.TransactedAt, t.PostedAt, t.CreatedAt, t.UpdatedAt, t.Date, t.Amount}
}

func columns() *arrow.Schema {
	var fields []arrow.Field
	add := func(t arrow.DataType, names ...string) {
		for _, n := range names {
			fields = append(fields, arrow.Field{Name: n, Type: t, Nullable: true})
		}
	}
	add(arrow.BinaryTypes.String, "guid", "account_guid", "member_guid", "user_guid", "type", "status",
		"description", "original_description", "memo", "category", "top_level_category", "currency_code",
		"check_number_string", "merchant_guid", "merchant_location_guid")
	add(arrow.PrimitiveTypes.Int64, "check_number", "merchant_category_code")
	add(arrow.PrimitiveTypes.Float64, "latitude", "longitude")
	add(arrow.FixedWidthTypes.Boolean, "is_bill_pay", "is_direct_deposit", "is_expense", "is_fee", "is_income",
		"is_international", "is_overdraft_fee", "is_payroll_advance", "is_subscription")
	add(arrow.FixedWidthTypes.Timestamp_us, "transacted_at", "posted_at", "created_at", "updated_at")
	add(arrow.FixedWidthTypes.Date32, "date")
	add(&arrow.Decimal128Type{Precision: 18, Scale: 4}, "amount")
	return arrow.NewSchema(fields, nil)
}

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1]); err != nil {
		log.Fatal("peer: ", err)
	}
}

const (
	fetchers  = 16
	batchRows = 16 << 10
)

func run(out string) error {
	var urls []string
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		urls = append(urls, in.Text())
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: fetchers, DisableCompression: true}}
	pages := make(chan []transaction, fetchers)
	var group errgroup.Group
	group.SetLimit(fetchers)
	go func() {
		for _, u := range urls {
			group.Go(func() error {
				rows, err := fetch(client, u)
				if err != nil {
					log.Fatalf("peer: %s: %v", u, err)
				}
				pages <- rows
				return nil
			})
		}
		_ = group.Wait()
		close(pages)
	}()
	return write(out, pages)
}

func fetch(client *http.Client, url string) ([]transaction, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.mx.atrium.v1+json")
	req.Header.Set("MX-API-Key", os.Getenv("MX_API_KEY"))
	req.Header.Set("MX-Client-ID", os.Getenv("MX_CLIENT_ID"))
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", resp.Status)
	}
	var page struct {
		Transactions []transaction `json:"transactions"`
	}
	return page.Transactions, json.NewDecoder(resp.Body).Decode(&page)
}

func write(out string, pages <-chan []transaction) error {
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	sc := columns()
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1),
		parquet.WithMaxRowGroupLength(64<<10), parquet.WithStoreDecimalAsInteger(true))
	w, err := pqarrow.NewFileWriter(sc, f, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, sc)
	rows := 0
	flush := func() error {
		rows = 0
		rec := b.NewRecordBatch()
		defer rec.Release()
		return w.WriteBuffered(rec)
	}
	for page := range pages {
		for i := range page {
			for k, v := range page[i].cells() {
				if err := appendCell(b.Field(k), v); err != nil {
					return err
				}
			}
		}
		if rows += len(page); rows >= batchRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return w.Close() // and f
}

func appendCell(b array.Builder, v any) error {
	switch v := v.(type) {
	case *string:
		return appendText(b, v)
	case *int64:
		appendTo(b, b.(*array.Int64Builder).Append, v)
	case *float64:
		appendTo(b, b.(*array.Float64Builder).Append, v)
	case *bool:
		appendTo(b, b.(*array.BooleanBuilder).Append, v)
	case json.Number:
		if v == "" {
			b.AppendNull()
			return nil
		}
		n, err := decimal128.FromString(v.String(), 18, 4)
		if err != nil {
			return err
		}
		b.(*array.Decimal128Builder).Append(n)
	}
	return nil
}

func appendTo[T any](b array.Builder, add func(T), v *T) {
	if v == nil {
		b.AppendNull()
		return
	}
	add(*v)
}

func appendText(b array.Builder, v *string) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(*v)
	case *array.TimestampBuilder:
		t, err := time.Parse(time.RFC3339, *v)
		if err != nil {
			t, err = time.Parse("2006-01-02 15:04:05 Z", *v)
		}
		if err != nil {
			return err
		}
		b.Append(arrow.Timestamp(t.UnixMicro()))
	case *array.Date32Builder:
		t, err := time.Parse(time.DateOnly, *v)
		if err != nil {
			return err
		}
		b.Append(arrow.Date32FromTime(t))
	}
	return nil
}
