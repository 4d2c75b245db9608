package reconcile

import (
	"bytes"
	"context"
	"encoding/csv"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"tallyport/schemas"
)

// oneReport has what is awkward: nulls wherever they can be, a payee that a
// spreadsheet would run, an amount of four decimals, a day before 1970.
func oneReport() *Result {
	user, member := text("USR-1"), text("MBR-1")
	return &Result{
		Findings: []Finding{
			{ID: "F-A", Kind: "missing_transaction", Code: "Z1", Verdict: Ticket, IssueType: FailedUpdate, State: Open, TicketID: "T-A", User: user, Member: member, Account: "ACT-1", Transaction: "TRN-1", Institution: "mxbank",
				Date: "2026-11-20", Amount: "12.3456", Type: "DEBIT", Payee: "=1+1", First: "20261119T020000Z", Last: "20261120T020000Z", LastGood: "20261118T020000Z",
				Evidence: map[string]any{"b": 1, "a": "<x>"}, MissingInputs: []string{"screenshots"}},
			{ID: "F-B", Kind: "stale_member", Code: "S4", Verdict: Ticket, IssueType: FailedUpdate, State: Candidate, User: user, First: "20261119T020000Z", Last: "20261120T020000Z",
				Evidence: map[string]any{}, MissingInputs: []string{}},
			{ID: "F-C", Kind: "missing_transaction", Code: "Z1", Verdict: Ticket, IssueType: FailedUpdate, State: Open, Date: "1969-12-31", Amount: "99999999999999.99", First: "20261119T020000Z", Last: "20261120T020000Z",
				Evidence: map[string]any{}, MissingInputs: []string{}},
		},
		Changes: []changeLine{
			{Change: "not_looked_at", Code: "X1", Verdict: "unknown", User: "USR-0", Member: "MBR-0"},
			{Change: "removed", Code: "P2", Verdict: "benign", User: "USR-1", Member: "MBR-1", Account: "ACT-1", Transaction: "TRN-1", Counterpart: "TRN-2", Date: "2026-11-20", Amount: "5.00", Type: "CREDIT", Status: "PENDING", Finding: "F-A"},
		},
	}
}

// The Parquet files say what the CSV files say, with types, and null where
// there is nothing.
func TestReportTables(t *testing.T) {
	files, err := oneReport().Files(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range schemas.ReportTables() {
		lines, err := csv.NewReader(bytes.NewReader(files[table.Name+".csv"])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		rd, err := file.NewParquetReader(bytes.NewReader(files[table.Name+".parquet"]))
		if err != nil {
			t.Fatal(err)
		}
		checkLayout(t, table, rd)
		fr, err := pqarrow.NewFileReader(rd, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		read, err := fr.ReadTable(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if int(read.NumRows()) != len(lines)-1 || read.NumRows() < 2 || int(read.NumCols()) != len(lines[0]) {
			t.Fatalf("%s: %d rows of %d columns, CSV has %d of %d", table.Name, read.NumRows(), read.NumCols(), len(lines)-1, len(lines[0]))
		}
		for i, name := range lines[0] {
			f := read.Schema().Field(i)
			if f.Name != name || !arrow.TypeEqual(f.Type, table.Columns[i].Kind.Arrow()) {
				t.Errorf("%s: column %d is %v, in CSV %s", table.Name, i, f, name)
			}
			chunk := read.Column(i).Data().Chunk(0)
			for k := range lines[1:] {
				want := lines[k+1][i]
				if want == "'=1+1" {
					want = "=1+1"
				}
				if got, null := cellText(chunk, k); got != want || null != (want == "") {
					t.Errorf("%s.%s of row %d is %q (null: %t), in CSV %q", table.Name, name, k, got, null, want)
				}
			}
		}
	}
}

// checkLayout demands field ids, zstd and money as INT64.
func checkLayout(t *testing.T, table *schemas.Table, rd *file.Reader) {
	t.Helper()
	for i, c := range table.Columns {
		col := rd.MetaData().Schema.Column(i)
		if col.SchemaNode().FieldID() != c.ID {
			t.Errorf("%s.%s has field id %d", table.Name, c.Name, col.SchemaNode().FieldID())
		}
		if c.Kind == schemas.Amount && col.PhysicalType() != parquet.Types.Int64 {
			t.Errorf("%s.%s is stored as %v", table.Name, c.Name, col.PhysicalType())
		}
		chunk, err := rd.MetaData().RowGroup(0).ColumnChunk(i)
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Compression() != compress.Codecs.Zstd {
			t.Errorf("%s.%s is compressed by %v", table.Name, c.Name, chunk.Compression())
		}
	}
	if said := rd.MetaData().KeyValueMetadata(); said.FindValue("tallyport.table") == nil || said.FindValue("tallyport.row_hash_version") != nil {
		t.Errorf("%s: metadata %v", table.Name, said)
	}
}

// cellText is a cell as the CSV files have it.
func cellText(a arrow.Array, i int) (s string, null bool) {
	switch a := a.(type) {
	case *array.Date32:
		s = schemas.Date(a.Value(i)).String()
	case *array.Decimal128:
		s = plain(schemas.Money(a.Value(i).LowBits()))
	case *array.String:
		s = a.Value(i)
	default:
		s = "a column of " + strconv.Quote(a.DataType().String())
	}
	if a.IsNull(i) {
		s = ""
	}
	return s, a.IsNull(i)
}

// A report of a night without news has its tables too.
func TestEmptyReportTables(t *testing.T) {
	files, err := (&Result{}).Files(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range schemas.ReportTables() {
		rd, err := file.NewParquetReader(bytes.NewReader(files[table.Name+".parquet"]))
		if err != nil {
			t.Fatal(err)
		}
		if rd.NumRows() != 0 || rd.MetaData().Schema.NumColumns() != len(table.Columns) {
			t.Errorf("%s: %d rows, %d columns", table.Name, rd.NumRows(), rd.MetaData().Schema.NumColumns())
		}
	}
	if files, err = (&Result{}).Files(false); err != nil || files["changes.parquet"] != nil || files["findings.parquet"] == nil {
		t.Errorf("without changes: %d bytes of changes, %d of findings, %v", len(files["changes.parquet"]), len(files["findings.parquet"]), err)
	}
}

// What does not fit its column ends the run, and is not quoted.
func TestReportCellThatDoesNotFit(t *testing.T) {
	for _, f := range []Finding{{ID: "F-A", Date: "soon"}, {ID: "F-A", Amount: "many"}} {
		_, err := (&Result{Findings: []Finding{f}}).Files(false)
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte("of F-A does not fit its column")) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// A transaction without a date comes before all others of its account, as nulls
// do in every table.
func TestChangesWithoutDate(t *testing.T) {
	row := func(flags txnFlags, day schemas.Date) changeLine {
		c := &userChange{account: "ACT-1", verdictOn: verdictOn{change: "removed", row: &txn{GUID: "TRN-1", Date: day, Flags: flags}}}
		return newChangeLine("USR-1", c)
	}
	if none, old := row(noDate, 0), row(0, -1); compareChanges(none, old) >= 0 {
		t.Errorf("%+v comes after %+v", none, old)
	}
}
