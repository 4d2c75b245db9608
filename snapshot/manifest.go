package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"tallyport/schemas"
)

// FormatVersion is the version of everything a store holds. A store of a newer
// version is refused.
const FormatVersion = 1

// ID names a snapshot: its nominal time, 20261120T020000Z.
type ID string

const idLayout = "20060102T150405Z"

// IDOf is the id of the snapshot that is taken as of t, in whole seconds.
func IDOf(t time.Time) ID { return ID(t.UTC().Format(idLayout)) }

// Time is the nominal time of the snapshot; the zero time for a malformed id.
func (id ID) Time() time.Time {
	t, err := time.Parse(idLayout, string(id))
	if err != nil {
		return time.Time{}
	}
	return t
}

// Valid reports whether the id is one that IDOf makes.
func (id ID) Valid() bool { t := id.Time(); return !t.IsZero() && IDOf(t) == id }

// Format is the form of the parts.
type Format string

const (
	Parquet Format = "parquet"
	CSV     Format = "csv"
)

// Plan is what an export asks for. Runs with equal plans and ids make the same
// snapshot, so one may finish what the other began.
type Plan struct {
	Source       string         `json:"source"` // atrium, nexus, platform
	Host         string         `json:"host"`
	Client       string         `json:"client"` // ClientHash
	Users        string         `json:"users"`  // "all", or a digest of the list of guids
	Window       schemas.Window `json:"window"`
	Scope        schemas.Scope  `json:"scope"`
	Institutions string         `json:"institutions"` // referenced, all, none
	Format       Format         `json:"format"`
	CSVRaw       bool           `json:"csv_raw,omitempty"` // text cells are not defused
}

// ClientHash is how a client id stands in files: enough to tell two clients
// apart, not enough to sign in.
func ClientHash(clientID string) string {
	sum := sha256.Sum256([]byte("tallyport client\x00" + clientID))
	return hex.EncodeToString(sum[:8])
}

// Differences names the parts in which two plans differ, with both values.
func (p Plan) Differences(q Plan) []string {
	var out []string
	diff := func(name string, a, b any) {
		if a != b {
			out = append(out, fmt.Sprintf("%s (%v there, %v here)", name, a, b))
		}
	}
	diff("source", p.Source, q.Source)
	diff("host", p.Host, q.Host)
	diff("client", p.Client, q.Client)
	diff("users", p.Users, q.Users)
	diff("window", p.Window, q.Window)
	diff("scope", p.Scope, q.Scope)
	diff("institutions", p.Institutions, q.Institutions)
	diff("format", p.Format, q.Format)
	diff("csv-raw", p.CSVRaw, q.CSVRaw)
	return out
}

// AllUsers is what Plan.Users says of an export of every user of the client.
const AllUsers = "all"

// Status of a snapshot.
const (
	StatusComplete = "complete" // no gap: every walk saw its whole list
	StatusPartial  = "partial"
)

// Manifest describes a published snapshot. FORMAT.md specifies its JSON.
type Manifest struct {
	Version    int                      `json:"version"`
	ID         ID                       `json:"id"`
	AsOf       time.Time                `json:"as_of"`
	ObservedAt *schemas.Timestamp       `json:"observed_at"` // newest server Date of the run
	Tool       string                   `json:"tool"`
	Source     string                   `json:"source"`
	Host       string                   `json:"host"`
	Client     string                   `json:"client"`
	Plan       Plan                     `json:"plan"`
	Shards     int                      `json:"shards"`
	Tables     map[string]TableManifest `json:"tables"`
	Members    MemberCount              `json:"members"`
	Gaps       []Gap                    `json:"gaps"` // the first MaxGapsListed
	Status     string                   `json:"status"`
	Requests   schemas.Requests         `json:"requests"`
	Checksum   string                   `json:"checksum"` // of the file with zeros in its place
}

// MaxGapsListed bounds the gaps in a manifest; all are in coverage.
const MaxGapsListed = 1000

// TableManifest lists the parts of one table.
type TableManifest struct {
	Rows          int64      `json:"rows"`
	Files         []FileInfo `json:"files"`
	SchemaVersion int        `json:"schema_version"`
}

// FileInfo is one published file. Path is relative to the store.
type FileInfo struct {
	Path   string `json:"path"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// MemberCount counts members by whether all their walks are complete.
type MemberCount struct {
	Complete   int64 `json:"complete"`
	Incomplete int64 `json:"incomplete"`
}

// Gap is one hole in a snapshot.
type Gap struct {
	User     schemas.UserID   `json:"user_guid"`
	Member   schemas.MemberID `json:"member_guid,omitempty"`
	Resource schemas.Resource `json:"resource"`
	Reason   schemas.Reason   `json:"reason"`
}

// Bytes is the size of all parts.
func (m *Manifest) Bytes() int64 {
	var n int64
	for _, t := range m.Tables {
		for _, f := range t.Files {
			n += f.Bytes
		}
	}
	return n
}

// checksumBlank stands in the manifest while its checksum is taken.
const checksumBlank = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// encode returns the manifest's JSON with its checksum set.
func (m *Manifest) encode() ([]byte, error) {
	m.Checksum = checksumBlank
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	m.Checksum = checksum(b)
	return bytes.Replace(b, []byte(checksumBlank), []byte(m.Checksum), 1), nil
}

func checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Names of the files beside the tables.
const (
	storeFile    = "_store.json"
	latestFile   = "_latest.json"
	manifestDir  = "_manifests"
	stagingDir   = "_staging"
	exportLock   = "_export.lock"
	maxSmallFile = 64 << 20
)

func manifestName(id ID) string { return manifestDir + "/" + string(id) + ".json" }

func partition(t *schemas.Table, id ID) string { return t.Name + "/snapshot=" + string(id) }

// ErrNoSnapshot is returned for an id that the store does not hold.
var ErrNoSnapshot = errors.New("no such snapshot")

// ErrDamaged is returned for a file that is not what it was when it was written.
var ErrDamaged = errors.New("damaged")

// ErrNewer is returned for files of a newer version of this tool.
var ErrNewer = errors.New("written by a newer version of tallyport; upgrade this one")

// ReadManifest returns the manifest of a published snapshot.
func ReadManifest(st Store, id ID) (*Manifest, error) {
	if !id.Valid() {
		return nil, fmt.Errorf("%q is not a snapshot id such as 20261120T020000Z: %w", id, ErrNoSnapshot)
	}
	data, err := readAll(st, manifestName(id), maxSmallFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s in %s: %w", id, st, ErrNoSnapshot)
	}
	if err != nil {
		return nil, err
	}
	m, err := decodeManifest(data)
	if err == nil && m.ID != id {
		err = fmt.Errorf("names itself %s: %w", m.ID, ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("manifest of %s: %w", id, err)
	}
	return m, nil
}

func decodeManifest(data []byte) (*Manifest, error) {
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	if v.Version > FormatVersion {
		return nil, ErrNewer
	}
	m := new(Manifest)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	blank := bytes.Replace(data, []byte(m.Checksum), []byte(checksumBlank), 1)
	if len(m.Checksum) != len(checksumBlank) || checksum(blank) != m.Checksum {
		return nil, fmt.Errorf("%w: its checksum is not that of its content", ErrDamaged)
	}
	return m, nil
}

// List returns the ids of all published snapshots, oldest first.
func List(st Store) ([]ID, error) {
	entries, err := st.List(manifestDir)
	if err != nil {
		return nil, err
	}
	var ids []ID
	for _, e := range entries {
		if id := ID(strings.TrimSuffix(e.Name(), ".json")); id.Valid() && string(id)+".json" == e.Name() {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Binding is what a store is bound to on first use.
type Binding struct {
	Version int    `json:"version"`
	Source  string `json:"source"`
	Host    string `json:"host"`
	Client  string `json:"client"`
}

// ErrBound is returned when a store holds another client's data.
var ErrBound = errors.New("the store is bound to another source, host or client; use another --store")

// ReadBinding returns what the store is bound to, nil if it is new.
func ReadBinding(st Store) (*Binding, error) {
	data, err := readAll(st, storeFile, maxSmallFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b := new(Binding)
	if err := json.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("%s: %w: %v", storeFile, ErrDamaged, err)
	}
	if b.Version > FormatVersion {
		return nil, fmt.Errorf("%s: %w", st, ErrNewer)
	}
	return b, nil
}

// Foreign reports whether the directory holds files, and nothing by which a
// store is known. A new volume's lost+found and hidden files do not count.
func Foreign(st Store) (bool, error) {
	entries, err := st.List(".")
	if err != nil {
		return false, err
	}
	foreign := false
	for _, e := range entries {
		switch name := e.Name(); {
		case name == storeFile, name == manifestDir, name == stagingDir, name == exportLock:
			return false, nil
		case name != "lost+found" && !strings.HasPrefix(name, "."):
			foreign = true
		}
	}
	return foreign, nil
}

// bound reports whether the store is bound, and refuses one that is bound to
// another plan's client.
func bound(st Store, p Plan) (bool, error) {
	b, err := ReadBinding(st)
	if err != nil || b == nil {
		return false, err
	}
	for _, d := range [][3]string{{"source", b.Source, p.Source}, {"host", b.Host, p.Host}, {"client", b.Client, p.Client}} {
		if d[1] != d[2] {
			return true, fmt.Errorf("%s holds snapshots of %s %s, not %s: %w", st, d[0], d[1], d[2], ErrBound)
		}
	}
	return true, nil
}

// bind binds a new store to the plan. It is called once the API has answered:
// keys with a typing error must not bind a store for ever.
func bind(st Store, p Plan) error {
	if ok, err := bound(st, p); ok || err != nil {
		return err
	}
	data, err := json.Marshal(Binding{FormatVersion, p.Source, p.Host, p.Client})
	if err != nil {
		return err
	}
	return Replace(st, storeFile, append(data, '\n'))
}

// Latest is _latest.json: where a reader that only wants the newest data starts.
type Latest struct {
	Version  int          `json:"version"`
	Newest   LatestEntry  `json:"newest"`
	Complete *LatestEntry `json:"newest_complete"` // of all users; null until there is one
}

// LatestEntry lists the files of one snapshot by table.
type LatestEntry struct {
	ID    ID                  `json:"id"`
	Files map[string][]string `json:"files"`
}

func latestEntry(m *Manifest) LatestEntry {
	e := LatestEntry{ID: m.ID, Files: map[string][]string{}}
	for name, t := range m.Tables {
		paths := make([]string, len(t.Files))
		for i, f := range t.Files {
			paths[i] = f.Path
		}
		e.Files[name] = paths
	}
	return e
}

// writeLatest points _latest.json at the newest snapshots of the store.
func writeLatest(st Store) error {
	ids, err := List(st)
	if err != nil || len(ids) == 0 {
		return err
	}
	l := Latest{Version: FormatVersion}
	for i := len(ids) - 1; i >= 0 && l.Complete == nil; i-- {
		m, err := ReadManifest(st, ids[i])
		if errors.Is(err, ErrDamaged) && i < len(ids)-1 {
			continue // verify names it; it must not stand in the way of new ones
		}
		if err != nil {
			return err
		}
		e := latestEntry(m)
		if i == len(ids)-1 {
			l.Newest = e
		}
		if m.Status == StatusComplete && m.Plan.Users == AllUsers {
			l.Complete = &e
		}
	}
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	return Replace(st, latestFile, append(data, '\n'))
}
