package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/file"
	"golang.org/x/sync/errgroup"
)

// content is what all contenders must have in common.
type content struct {
	Rows   int64 `json:"rows"`
	Amount int64 `json:"sum_of_amount"` // in ten-thousandths
}

// contender is one way from pages to Parquet.
type contender struct {
	Name     string    `json:"name"`
	Command  string    `json:"command,omitempty"`
	CPU      []float64 `json:"cpu_seconds"` // of each run
	RowsPerS []float64 `json:"rows_per_cpu_second"`
	Median   float64   `json:"median_rows_per_cpu_second"`
	Ratio    float64   `json:"export_is_times_as_fast"`
	RSS      float64   `json:"peak_rss_mib"`
	Bytes    int64     `json:"bytes_written"`
	Content  content   `json:"content"`
	Missing  string    `json:"not_measured,omitempty"`

	files string // pattern of what was written
	run   func() (usage, error)
}

type speed struct {
	World      world        `json:"world"`
	Contenders []*contender `json:"contenders"`
	Agree      bool         `json:"rows_and_sums_agree"`
}

// speed measures rows per CPU second, each contender in turn, twice.
func (b *bench) speed() (err error) {
	w := world{Users: 70, PerAccount: 6000}
	if b.quick {
		w = world{Users: 6, PerAccount: 1500}
	}
	s, err := start(w)
	if err != nil {
		return err
	}
	defer func() {
		_, e := s.stop()
		err = errors.Join(err, e)
	}()
	urls := w.truth().urls(s.url)
	pages := filepath.Join(b.dir, "pages")
	if err := fetchAll(urls, pages); err != nil {
		return err
	}
	all := b.contenders(s, urls, pages)
	for range 2 {
		for _, c := range all {
			if err := c.measure(); err != nil {
				return err
			}
		}
	}
	result := &speed{World: w, Contenders: all, Agree: true}
	for _, c := range all {
		if c.Missing != "" {
			continue
		}
		c.Median = (c.RowsPerS[0] + c.RowsPerS[1]) / 2
		c.Ratio = all[0].Median / c.Median
		result.Agree = result.Agree && c.Content == all[0].Content
	}
	b.report.Speed = result
	result.print()
	if !result.Agree {
		return errors.New("the contenders did not see the same rows")
	}
	return nil
}

// contenders are the export, which comes first, and its peers.
func (b *bench) contenders(s *server, urls []string, pages string) []*contender {
	duck := func(name string, order ...string) *contender {
		out := filepath.Join(b.dir, "duckdb.parquet")
		c := &contender{Name: name, files: out, run: func() (usage, error) {
			return run(exec.Command(b.python, append([]string{b.script, pages, out}, order...)...))
		}}
		c.Command = strings.Join(append([]string{"duckdb_peer.py PAGES OUT"}, order...), " ")
		if exec.Command(b.python, "-c", "import duckdb").Run() != nil {
			c.Missing = "no duckdb"
		}
		return c
	}
	out := filepath.Join(b.dir, "peer.parquet")
	return []*contender{
		{
			Name:    "tallyport export, ordered by key, checked",
			Command: "tallyport export, as above",
			files:   filepath.Join(b.dir, "store", "transactions", "*", "*.parquet"),
			run: func() (usage, error) {
				u, _, err := b.export(s)
				return u, err
			},
		},
		duck("DuckDB read_json of local files, ordered by key", "ordered"),
		duck("DuckDB read_json of local files, as it does"),
		duck("DuckDB read_json of local files, any order", "unordered"),
		{
			Name: "encoding/json and pqarrow, not ordered", Command: "peer OUT <URLS", files: out,
			run: func() (usage, error) {
				cmd := exec.Command(b.peer, out)
				cmd.Env, cmd.Stdin = keys(), strings.NewReader(strings.Join(urls, "\n"))
				return run(cmd)
			},
		},
	}
}

func (c *contender) measure() error {
	if c.Missing != "" {
		return nil
	}
	u, err := c.run()
	if err != nil {
		return err
	}
	names, err := filepath.Glob(c.files)
	if err != nil {
		return err
	}
	c.Content, c.Bytes = content{}, 0
	for _, name := range names {
		if err := c.add(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	c.CPU = append(c.CPU, u.CPU)
	c.RowsPerS = append(c.RowsPerS, float64(c.Content.Rows)/u.CPU)
	c.RSS = max(c.RSS, u.RSS)
	return nil
}

// add counts and sums what a file holds. All contenders write amounts as
// integers of ten-thousandths.
func (c *contender) add(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	c.Bytes += info.Size()
	rd, err := file.OpenParquetFile(name, false)
	if err != nil {
		return err
	}
	defer rd.Close()
	column := rd.MetaData().Schema.ColumnIndexByName("amount")
	values, levels := make([]int64, 8<<10), make([]int16, 8<<10)
	for g := range rd.NumRowGroups() {
		cr, err := rd.RowGroup(g).Column(column)
		if err != nil {
			return err
		}
		amounts, ok := cr.(*file.Int64ColumnChunkReader)
		if !ok {
			return fmt.Errorf("amount is read by a %T", cr)
		}
		for amounts.HasNext() {
			rows, n, err := amounts.ReadBatch(int64(len(values)), values, levels, nil)
			if err != nil {
				return err
			}
			c.Content.Rows += rows
			for _, v := range values[:n] {
				c.Content.Amount += v
			}
		}
	}
	return nil
}

// fetchAll reads the pages into files, for those who cannot fetch.
func fetchAll(urls []string, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(4)
	for i, u := range urls {
		group.Go(func() error { return get(u, filepath.Join(dir, fmt.Sprintf("%06d.json", i))) })
	}
	return group.Wait()
}

func (s *speed) print() {
	fmt.Printf("a. Plain JSON to zstd Parquet, rows per CPU second of the client (%s)\n", s.World)
	fmt.Printf("   DuckDB reads pages that were fetched before; the Go peer fetches transactions alone; export does everything.\n")
	for _, c := range s.Contenders {
		if c.Missing != "" {
			fmt.Printf("   %-50s not measured: %s\n", c.Name, c.Missing)
			continue
		}
		fmt.Printf("   %-50s %6.1f k (%.1f, %.1f)  %.2f, %.2f CPU s  export is %.2f×  %4.0f MiB  %.1f B/row\n",
			c.Name, c.Median/1000, c.RowsPerS[0]/1000, c.RowsPerS[1]/1000, c.CPU[0], c.CPU[1],
			c.Ratio, c.RSS, float64(c.Bytes)/float64(c.Content.Rows))
		fmt.Printf("   %-50s rows %d, sum(amount) %d.%04d\n", "  "+c.Command, c.Content.Rows, c.Content.Amount/10000, c.Content.Amount%10000)
	}
	fmt.Printf("   rows and sums agree: %v\n\n", s.Agree)
}
