package schemas

import (
	"cmp"
	"fmt"
)

// Kind is the type of a column's values.
type Kind uint8

const (
	Text    Kind = iota // UTF-8 text: guids, enums, free text
	Bool                // true or false
	Int                 // a whole number that fits 64 bits
	Amount              // Money: DECIMAL(18,4)
	Percent             // Rate: DECIMAL(18,8)
	Float               // IEEE 754 double; coordinates only
	Day                 // Date
	Instant             // Timestamp
)

// Column is one column of a table: how it is stored, and what it means.
type Column struct {
	Name     string
	ID       int32 // Parquet field_id: stable for ever, never reused within a table
	Kind     Kind
	Required bool   // never null
	Personal bool   // describes a person, or is free text that may
	Unit     string // unit of the values, "" if they have none
	Source   string // where the value comes from: resource.field of the API, or "tallyport"
	Meaning  string

	keyRank int // place in the table's key, from 1; 0: not in it
}

// Table is the single declaration of a table. It is immutable.
type Table struct {
	Name string
	// Version is the schema_version of the manifest. It grows when a column is
	// added; a column is never removed, renamed or retyped.
	Version int
	Meaning string
	// Report is true for a table of a report: it is in no snapshot, and has no
	// Row.
	Report bool
	// Columns in file order; the last three of a snapshot's table are extra,
	// row_hash, snapshot_at.
	Columns []Column

	lastKeyID int32                  // greatest field id in the key
	key       []int                  // the columns that order the rows of a part
	hashed    int                    // rows hash this many leading fields of order
	order     []int                  // columns in the order in which a Row holds them
	byName    map[string]int         // column index by name
	byID      [maxFieldID + 1]cellOf // by field id
}

// cellOf is what a Row's reader needs to know of a column.
type cellOf struct {
	column int8 // its index; negative: a Row has no such cell
	kind   Kind
}

// Field ids of the columns that every table has. The columns of the resource
// itself count up from firstFieldID in the order of their declaration.
const (
	idSnapshotAt = 1
	idRowHash    = 2
	idExtra      = 3
	firstFieldID = 11
	maxFieldID   = 127 // one byte in a Row
	maxKey       = 4   // columns in a key
)

// newTable finishes a declaration: field ids, the shared columns, the lookups.
func newTable(name, meaning string, key []string, columns []Column) *Table {
	t := declare(name, meaning, columns)
	t.Columns = append(t.Columns,
		Column{Name: "extra", ID: idExtra, Kind: Text, Personal: true, Unit: "JSON object", Source: "tallyport",
			Meaning: "What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null)."},
		Column{Name: "row_hash", ID: idRowHash, Kind: Int, Required: true, Source: "tallyport",
			Meaning: "64-bit hash of the row's content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed."},
		Column{Name: "snapshot_at", ID: idSnapshotAt, Kind: Instant, Required: true, Unit: "UTC", Source: "tallyport",
			Meaning: "Nominal time of the snapshot that the row belongs to: the --as-of of its export."})
	t.finish(key)
	for id := range t.byID {
		t.byID[id].column = -1
	}
	for i, c := range t.data() {
		t.byID[c.ID] = cellOf{int8(i), c.Kind}
	}
	var unhashed []int
	for i, c := range t.data() {
		switch c.Name {
		case "updated_at", "extra":
			unhashed = append(unhashed, i)
		default:
			t.order = append(t.order, i)
		}
	}
	t.hashed = len(t.order)
	t.order = append(t.order, unhashed...)
	return t
}

// newReport finishes a declaration of a table that stands in reports.
func newReport(name, meaning string, key []string, columns []Column) *Table {
	for i := range columns {
		columns[i].Source = cmp.Or(columns[i].Source, "tallyport")
	}
	t := declare(name, meaning, columns)
	t.Report = true
	t.finish(key)
	return t
}

// declare gives the columns their field ids, in the order of their declaration.
func declare(name, meaning string, columns []Column) *Table {
	t := &Table{Name: name, Version: 1, Meaning: meaning, byName: map[string]int{}}
	for i, c := range columns {
		c.ID = int32(firstFieldID + i)
		if c.Source == "" {
			c.Source = singular(name) + "." + c.Name
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// finish makes the lookups, when all columns are there.
func (t *Table) finish(key []string) {
	for i, c := range t.Columns {
		t.byName[c.Name] = i
	}
	for _, k := range key {
		i := t.Index(k)
		t.key = append(t.key, i)
		t.Columns[i].keyRank = len(t.key)
		t.lastKeyID = max(t.lastKeyID, t.Columns[i].ID)
	}
}

func singular(table string) string { return table[:len(table)-1] }

// data is the columns a Row carries: all but row_hash and snapshot_at.
func (t *Table) data() []Column { return t.Columns[:len(t.Columns)-2] }

// Width is the number of Values a Row of the table decodes to.
func (t *Table) Width() int { return len(t.Columns) - 2 }

// Index returns the position of the named column. It panics on a name that the
// table does not declare: names are constants of the program.
func (t *Table) Index(name string) int {
	i, ok := t.byName[name]
	if !ok {
		panic(fmt.Sprintf("schemas: table %s has no column %s", t.Name, name))
	}
	return i
}

// Lookup is Index for names that come from outside.
func (t *Table) Lookup(name []byte) (int, bool) {
	i, ok := t.byName[string(name)]
	return i, ok
}

// Key returns the columns that order the rows of a part, most significant
// first. Nulls come first; rows that are equal in all of them are ordered by
// content.
func (t *Table) Key() []int { return t.key }

// Identified reports whether every row has an id of its own, so that two equal
// rows are one row seen twice.
func (t *Table) Identified() bool { return t.Columns[0].Required }

// TableNamed returns the table of that name of a snapshot.
func TableNamed(name string) (*Table, bool) {
	for _, t := range Tables() {
		if t.Name == name {
			return t, true
		}
	}
	return nil, false
}
