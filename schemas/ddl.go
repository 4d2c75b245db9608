package schemas

import (
	"fmt"
	"slices"
	"strings"
)

// Dialects returns the names of the SQL dialects that DDL knows.
func Dialects() []string {
	names := make([]string, len(dialects))
	for i := range dialects {
		names[i] = dialects[i].name
	}
	return names
}

// DDL returns statements that create the tables in a warehouse that speaks the
// dialect, and reports false for a dialect it does not know. Asked for every
// table of a snapshot it adds views of the latest snapshots.
func DDL(dialect string, tables []*Table) (string, bool) {
	for i := range dialects {
		if d := &dialects[i]; d.name == dialect {
			return d.ddl(tables), true
		}
	}
	return "", false
}

// dialect is what differs between warehouses.
type dialect struct {
	name     string
	types    [8]string // by Kind
	quote    string
	reserved string // if set, only these words are quoted, in capitals
	comment  commentStyle
	// A quote in a literal is \'. BigQuery refuses the doubled one, and Spark
	// before 4 loses it.
	backslash bool
	nullable  string // format of the type of a nullable column, if not plain
	suffix    func(d *dialect, t *Table) string
}

type commentStyle uint8

const (
	commentOn      commentStyle = iota // COMMENT ON COLUMN t.c IS '…';
	commentInline                      // c TYPE COMMENT '…'
	commentOptions                     // c TYPE OPTIONS (description = '…')
)

var dialects = []dialect{
	{name: "duckdb", quote: `"`,
		types: [8]string{"VARCHAR", "BOOLEAN", "BIGINT", "DECIMAL(18,4)", "DECIMAL(18,8)", "DOUBLE", "DATE", "TIMESTAMPTZ"}},
	{name: "postgres", quote: `"`,
		types: [8]string{"text", "boolean", "bigint", "numeric(18,4)", "numeric(18,8)", "double precision", "date", "timestamptz"}},
	{name: "snowflake", quote: `"`, reserved: "ROWS", comment: commentInline,
		types: [8]string{"VARCHAR", "BOOLEAN", "NUMBER(19,0)", "NUMBER(18,4)", "NUMBER(18,8)", "FLOAT", "DATE", "TIMESTAMP_TZ(6)"}},
	{name: "bigquery", quote: "`", comment: commentOptions, backslash: true,
		types:  [8]string{"STRING", "BOOL", "INT64", "NUMERIC(18,4)", "NUMERIC(18,8)", "FLOAT64", "DATE", "TIMESTAMP"},
		suffix: bigqueryPartition},
	{name: "redshift", quote: `"`,
		types:  [8]string{"varchar(65535)", "boolean", "bigint", "decimal(18,4)", "decimal(18,8)", "double precision", "date", "timestamptz"},
		suffix: func(d *dialect, t *Table) string { return "\nSORTKEY (" + d.ident(t.first()) + ")" }},
	{name: "spark", quote: "`", comment: commentInline, backslash: true,
		types:  [8]string{"STRING", "BOOLEAN", "BIGINT", "DECIMAL(18,4)", "DECIMAL(18,8)", "DOUBLE", "DATE", "TIMESTAMP"},
		suffix: func(*dialect, *Table) string { return "\nUSING PARQUET" }},
	{name: "trino", quote: `"`, comment: commentInline,
		types: [8]string{"VARCHAR", "BOOLEAN", "BIGINT", "DECIMAL(18,4)", "DECIMAL(18,8)", "DOUBLE", "DATE", "TIMESTAMP(6) WITH TIME ZONE"}},
	{name: "clickhouse", quote: "`", comment: commentInline, nullable: "Nullable(%s)",
		types:  [8]string{"String", "Bool", "Int64", "Decimal(18,4)", "Decimal(18,8)", "Float64", "Date32", "DateTime64(6, 'UTC')"},
		suffix: clickhouseEngine},
}

// first is the column that a warehouse sorts by before all others.
func (t *Table) first() string {
	if t.Report {
		return t.Columns[t.key[0]].Name
	}
	return "snapshot_at"
}

// bigqueryPartition puts each snapshot into a partition. A report is small, and
// no column of it says of which night it is.
func bigqueryPartition(d *dialect, t *Table) string {
	if t.Report {
		return ""
	}
	return "\nPARTITION BY DATE(" + d.ident("snapshot_at") + ")"
}

// clickhouseEngine sorts by the snapshot and the key columns that are never
// null, which is what MergeTree takes without further settings.
func clickhouseEngine(d *dialect, t *Table) string {
	var cols []string
	if !t.Report {
		cols = append(cols, d.ident("snapshot_at"))
	}
	for _, i := range t.key {
		if t.Columns[i].Required {
			cols = append(cols, d.ident(t.Columns[i].Name))
		}
	}
	return "\nENGINE = MergeTree\nORDER BY (" + strings.Join(cols, ", ") + ")"
}

func (d *dialect) ddl(tables []*Table) string {
	var b strings.Builder
	for _, t := range tables {
		d.table(&b, t)
	}
	if !slices.ContainsFunc(Tables(), func(t *Table) bool { return !slices.Contains(tables, t) }) {
		d.views(&b, Tables())
	}
	return b.String()
}

func (d *dialect) table(b *strings.Builder, t *Table) {
	fmt.Fprintf(b, "-- %s\nCREATE TABLE IF NOT EXISTS %s (\n", t.Meaning, d.ident(t.Name))
	for i, c := range t.Columns {
		typ := d.types[c.Kind]
		switch {
		case c.Required && d.nullable == "":
			typ += " NOT NULL"
		case !c.Required && d.nullable != "":
			typ = fmt.Sprintf(d.nullable, typ)
		}
		fmt.Fprintf(b, "  %s %s", d.ident(c.Name), typ)
		switch d.comment {
		case commentInline:
			fmt.Fprintf(b, " COMMENT %s", d.text(c.Meaning))
		case commentOptions:
			fmt.Fprintf(b, " OPTIONS (description = %s)", d.text(c.Meaning))
		}
		if i < len(t.Columns)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteByte(')')
	if d.suffix != nil {
		b.WriteString(d.suffix(d, t))
	}
	b.WriteString(";\n")
	if d.comment == commentOn {
		for _, c := range t.Columns {
			fmt.Fprintf(b, "COMMENT ON COLUMN %s.%s IS %s;\n", d.ident(t.Name), d.ident(c.Name), d.text(c.Meaning))
		}
	}
	b.WriteByte('\n')
}

// views answers the first question of every analyst: the newest snapshot
// without gaps. What MX withholds for a disabled user, and what went away
// during the export, is no gap.
func (d *dialect) views(b *strings.Builder, tables []*Table) {
	at, reason := d.ident("snapshot_at"), d.ident("reason")
	fmt.Fprintf(b, `-- The newest snapshot of all users without gaps.
CREATE OR REPLACE VIEW %s AS
SELECT max(%[2]s) AS %[2]s FROM (
  SELECT %[2]s FROM %[3]s GROUP BY %[2]s
  HAVING sum(CASE WHEN %[4]s IS NULL OR %[4]s IN ('%[5]s', '%[6]s') THEN 0 ELSE 1 END) = 0
    AND sum(CASE WHEN %[7]s = '%[8]s' AND %[9]s IS NULL THEN 1 ELSE 0 END) > 0
) AS complete_snapshots;

`, d.ident("latest_complete_snapshot"), at, d.ident(Coverage.Name), reason, NotFound, Disabled,
		d.ident("resource"), UsersResource, d.ident("user_guid"))
	fmt.Fprintf(b, `-- The newest snapshot of all users, with gaps or without.
CREATE OR REPLACE VIEW %s AS
SELECT max(%[2]s) AS %[2]s FROM %[3]s
WHERE %[4]s = '%[5]s' AND %[6]s IS NULL;

`, d.ident("latest_snapshot"), at, d.ident(Coverage.Name), d.ident("resource"), UsersResource, d.ident("user_guid"))
	for _, t := range tables {
		fmt.Fprintf(b, "CREATE OR REPLACE VIEW %s AS\nSELECT t.* FROM %s AS t\nJOIN %s AS l ON t.%[4]s = l.%[4]s;\n\n",
			d.ident(t.Name+"_latest"), d.ident(t.Name), d.ident("latest_complete_snapshot"), at)
	}
}

// ident writes an identifier as the dialect needs it.
func (d *dialect) ident(s string) string {
	if d.reserved != "" {
		if up := strings.ToUpper(s); strings.Contains(d.reserved, up) {
			return d.quote + up + d.quote
		}
		return s
	}
	return d.quote + s + d.quote
}

// text writes a literal.
func (d *dialect) text(s string) string {
	if d.backslash {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
