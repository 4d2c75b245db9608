package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"net/url"
	"sync"

	"tallyport/reconcile"
)

var (
	//go:embed style.css
	style string
	//go:embed script.js
	script string
	//go:embed page.gohtml
	pageText string
	//go:embed finding.gohtml
	findingText string
)

// templates are parsed when the first page is written: most commands write none.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.Must(template.New("page").Funcs(template.FuncMap{"n": count[int], "n64": count[int64]}).Parse(pageText)).Parse(findingText))
})

// Page says where a report's links lead, and what a live page adds to it. The
// zero value is that of report.html, a file beside the directory tickets.
type Page struct {
	Ticket  func(id string) string                   // the address of a ticket; nil: its file, if it has one
	Finding func(id string) string                   // the address of a finding; nil: its section of this page, if it has one
	Actions func(f *reconcile.Finding) template.HTML // what can be done about a finding, as forms; nil: nothing
	Above   template.HTML                            // stands before everything, as a navigation
}

// Style is the style sheet of every page, for light, dark and paper.
func Style() template.CSS { return template.CSS(style) }

// Script sorts and filters the tables of a page that has some, and opens what
// an address names. A page is readable without it.
func Script() template.JS { return template.JS(script) }

// Policy is the content security policy of a page: nothing is loaded, nothing
// runs but Style and Script. Forms are for a page that a server shows.
func Policy(forms bool) string {
	form := "'none'"
	if forms {
		form = "'self'"
	}
	return "default-src 'none'; style-src " + hashed(style) + "; script-src " + hashed(script) + "; base-uri 'none'; form-action " + form
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// WriteFrame writes a whole document around a body. The policy is in it too,
// so that it holds for a file.
func WriteFrame(w io.Writer, title string, forms bool, body template.HTML) error {
	return templates().ExecuteTemplate(w, "frame", map[string]any{
		"Title": shown(title, 200), "Policy": Policy(forms), "Style": Style(), "Script": Script(), "Body": body,
	})
}

// WriteHTML writes the report as one document that needs no other.
func (r *Report) WriteHTML(w io.Writer, p Page) error {
	on := r.on(p)
	return on.html(w, on.view())
}

func (r *rendering) html(w io.Writer, v *view) error {
	var body bytes.Buffer
	body.WriteString(string(r.page.Above))
	if err := r.body(&body, v); err != nil {
		return err
	}
	return WriteFrame(w, "Tallyport report "+string(r.Summary.Snapshot), r.page.Actions != nil, template.HTML(body.String()))
}

// How large a page may become by its table, and by the sections of findings
// besides: what does not fit is left out, and it is said how much is there.
const (
	mostTable = 3_500_000
	mostBytes = 4_500_000
)

// WriteBody writes the report without the document around it.
func (r *Report) WriteBody(w io.Writer, p Page) error {
	on := r.on(p)
	return on.body(w, on.view())
}

func (r *rendering) body(w io.Writer, v *view) error {
	var top, sections bytes.Buffer
	if err := templates().ExecuteTemplate(&top, "rows", v.Rows); err != nil {
		return err
	}
	for top.Len() > mostTable {
		v.Rows = v.Rows[:len(v.Rows)*mostTable/(top.Len()+1)]
		top.Reset()
		if err := templates().ExecuteTemplate(&top, "rows", v.Rows); err != nil {
			return err
		}
	}
	v.Table = template.HTML(top.String())
	for _, id := range r.Detailed {
		whole := sections.Len()
		d := r.detail(id)
		if d == nil {
			continue
		}
		if err := templates().ExecuteTemplate(&sections, "section", d); err != nil {
			return err
		}
		if top.Len()+sections.Len() > mostBytes {
			sections.Truncate(whole)
			break
		}
		v.Sections++
	}
	v.Details = template.HTML(sections.String())
	return templates().ExecuteTemplate(w, "report", v)
}

// WriteFinding writes what is known of one finding: the facts, and if it is
// Detailed the nights. Without such a finding nothing is written.
func (r *Report) WriteFinding(w io.Writer, id string, p Page) error {
	d := r.on(p).detail(id)
	if d == nil {
		return nil
	}
	return templates().ExecuteTemplate(w, "finding", d)
}

// ticket is where a ticket is to be read, "" if it has no file.
func (r *rendering) ticket(id string) string {
	switch {
	case r.page.Ticket != nil:
		return r.page.Ticket(id)
	case r.written[id]:
		return "tickets/" + url.PathEscape(id) + ".md"
	}
	return ""
}

// finding is where a finding is to be read, "" if nowhere.
func (p *Page) finding(id string, detailed bool) string {
	switch {
	case p.Finding != nil:
		return p.Finding(id)
	case detailed:
		return "#" + url.PathEscape(shown(id, longGUID)) // as the section is called
	}
	return ""
}

// pageFiles adds the page to the files of the report.
func (r *Report) pageFiles(files map[string][]byte) error {
	var page bytes.Buffer
	on := r.on(Page{})
	v := on.view()
	if err := on.html(&page, v); err != nil {
		return err
	}
	files["report.html"], files["report.md"] = page.Bytes(), on.markdown(v)
	return nil
}

// past is never nil: a report without snapshots has no nights.
func (r *Report) past() *reconcile.Past { return cmp.Or(r.Past, &reconcile.Past{}) }
