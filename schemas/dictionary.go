package schemas

import (
	"encoding/json"
	"fmt"
	"strings"
)

// dictionaryTable and dictionaryColumn are the JSON form of the dictionary.
type dictionaryTable struct {
	Table         string             `json:"table"`
	Report        bool               `json:"report,omitempty"` // in reports, not in snapshots
	SchemaVersion int                `json:"schema_version"`
	Meaning       string             `json:"meaning"`
	Order         []string           `json:"order"`
	Columns       []dictionaryColumn `json:"columns"`
}

type dictionaryColumn struct {
	Name     string `json:"name"`
	FieldID  int32  `json:"field_id"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
	Unit     string `json:"unit,omitempty"`
	Source   string `json:"source"`
	Personal bool   `json:"personal"`
	Meaning  string `json:"meaning"`
}

func dictionary(tables []*Table) []dictionaryTable {
	out := make([]dictionaryTable, 0, len(tables))
	for _, t := range tables {
		d := dictionaryTable{Table: t.Name, Report: t.Report, SchemaVersion: t.Version, Meaning: t.Meaning, Order: t.KeyNames()}
		for _, c := range t.Columns {
			d.Columns = append(d.Columns, dictionaryColumn{
				Name: c.Name, FieldID: c.ID, Type: c.Kind.String(), Nullable: !c.Required,
				Unit: c.Unit, Source: c.Source, Personal: c.Personal, Meaning: c.Meaning,
			})
		}
		out = append(out, d)
	}
	return out
}

// KeyNames is the names of the columns that order the table.
func (t *Table) KeyNames() []string {
	names := make([]string, len(t.key))
	for i, k := range t.key {
		names[i] = t.Columns[k].Name
	}
	return names
}

// String is the logical type as FORMAT.md writes it.
func (k Kind) String() string {
	return [...]string{"STRING", "BOOLEAN", "INT64", "DECIMAL(18,4)", "DECIMAL(18,8)", "DOUBLE", "DATE", "TIMESTAMP(MICROS, UTC)"}[k]
}

// DictionaryJSON is the data dictionary of the tables as indented JSON.
func DictionaryJSON(tables []*Table) []byte {
	b, err := json.MarshalIndent(dictionary(tables), "", "  ")
	if err != nil {
		panic(err) // strings, numbers and booleans only
	}
	return append(b, '\n')
}

// DictionaryMarkdown is the data dictionary of the tables as Markdown.
func DictionaryMarkdown(tables []*Table) []byte {
	var b strings.Builder
	for _, t := range dictionary(tables) {
		fmt.Fprintf(&b, "## %s\n\n%s\n\nSchema version %d. Order within a file: %s.\n\n", t.Table, t.Meaning, t.SchemaVersion, strings.Join(t.Order, ", "))
		b.WriteString("| Column | Type | Null | Unit | Source | Personal | Meaning | Field id |\n|---|---|---|---|---|---|---|---|\n")
		for _, c := range t.Columns {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %d |\n",
				c.Name, c.Type, yes(c.Nullable), c.Unit, c.Source, yes(c.Personal), strings.ReplaceAll(c.Meaning, "|", `\|`), c.FieldID)
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// DictionaryText is the data dictionary of the tables for a terminal.
func DictionaryText(tables []*Table) []byte {
	var b strings.Builder
	for _, t := range dictionary(tables) {
		fmt.Fprintf(&b, "%s — %s\n\n", t.Table, t.Meaning)
		for _, c := range t.Columns {
			null := "not null"
			if c.Nullable {
				null = ""
			}
			personal := ""
			if c.Personal {
				personal = "personal"
			}
			fmt.Fprintf(&b, "  %-34s %-22s %-8s %-8s  %s\n", c.Name, c.Type, null, personal, c.Meaning)
		}
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
