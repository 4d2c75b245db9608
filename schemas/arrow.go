package schemas

import (
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
)

// fieldIDKey is the metadata key under which arrow-go carries a Parquet field_id.
const fieldIDKey = "PARQUET:field_id"

// Arrow returns the table's schema: the types that the Parquet files are
// written with, each field with its stable field id.
func (t *Table) Arrow() *arrow.Schema {
	fields := make([]arrow.Field, len(t.Columns))
	for i, c := range t.Columns {
		fields[i] = arrow.Field{
			Name:     c.Name,
			Type:     c.Kind.Arrow(),
			Nullable: !c.Required,
			Metadata: arrow.NewMetadata([]string{fieldIDKey}, []string{strconv.Itoa(int(c.ID))}),
		}
	}
	return arrow.NewSchema(fields, nil)
}

// Arrow returns the Arrow type of the kind.
func (k Kind) Arrow() arrow.DataType {
	switch k {
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	case Int:
		return arrow.PrimitiveTypes.Int64
	case Amount:
		return &arrow.Decimal128Type{Precision: 18, Scale: moneyScale}
	case Percent:
		return &arrow.Decimal128Type{Precision: 18, Scale: rateScale}
	case Float:
		return arrow.PrimitiveTypes.Float64
	case Day:
		return arrow.FixedWidthTypes.Date32
	case Instant:
		return arrow.FixedWidthTypes.Timestamp_us // with the zone UTC
	}
	return arrow.BinaryTypes.String
}
