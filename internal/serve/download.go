package serve

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"tallyport/reconcile"
	"tallyport/reconcile/report"
)

// kinds are the types of what can be downloaded, by the end of its name.
var kinds = map[string]string{
	".md": "text/markdown; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".json": "application/json", ".jsonl": "application/jsonl",
	".html": "text/html; charset=utf-8", ".zip": "application/zip",
}

// download sends a file to be kept. The name is one of ours.
func download(w http.ResponseWriter, name string, data []byte) {
	w.Header().Set("Content-Type", kinds[name[strings.LastIndexByte(name, '.'):]])
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(data) // who is gone is gone
}

func (s *Site) scriptFile(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, err := w.Write(script)
	return err
}

// ticketFile sends a ticket: as it is pasted into MX's form, as a table, or for
// a program, or all of these at once.
func (s *Site) ticketFile(w http.ResponseWriter, r *http.Request) error {
	id, name := r.PathValue("id"), r.PathValue("file")
	v, err := s.now()
	if err != nil {
		return err
	}
	if name == id+".zip" {
		data, err := s.zipped(r.Context(), v, id)
		if err != nil {
			return err
		}
		download(w, name, data)
		return nil
	}
	f, err := s.written(r.Context(), v, id)
	if err != nil {
		return err
	}
	switch name {
	case id + ".md":
		download(w, name, f.Markdown())
	case id + ".csv":
		download(w, name, f.CSV())
	case id + ".json":
		data, err := f.JSON()
		if err != nil {
			return err
		}
		download(w, name, data)
	default:
		return missing("A ticket has no such file.")
	}
	return nil
}

// written is a ticket as it is to be sent.
func (s *Site) written(ctx context.Context, v *view, id string) (f *report.Form, err error) {
	err = s.some(ctx, v, []string{id}, func(rep *report.Report) error {
		if f = rep.Ticket(id); f == nil {
			return missing("There is no ticket " + id + ".")
		}
		return nil
	})
	return f, err
}

// some runs use with a report of some tickets, which have to be there.
func (s *Site) some(ctx context.Context, v *view, ids []string, use func(*report.Report) error) error {
	for _, id := range ids {
		if _, err := v.ticketOf(id); err != nil {
			return err
		}
	}
	var of []reconcile.Finding
	for _, f := range v.all {
		if slices.Contains(ids, string(f.TicketID)) {
			f.Account = "" // no transactions are read for a ticket
			of = append(of, f)
		}
	}
	kept, err := s.nights.Kept(s.st, v.result, of...)
	if err != nil {
		return err
	}
	write := func(ctx context.Context) error {
		rep, err := s.nights.Some(ctx, s.st, v.result, ids...)
		if err != nil {
			return err
		}
		return use(rep)
	}
	if kept != nil { // no turn is needed to read nothing
		return write(ctx)
	}
	return s.read(ctx, write)
}

// bundle sends tickets as one file to attach. It changes nothing, and is a form
// all the same: an address does not hold the ids of a whole page.
func (s *Site) bundle(w http.ResponseWriter, r *http.Request) error {
	typed, err := s.readForm(r)
	if err != nil {
		return err
	}
	ids := typed["id"]
	slices.Sort(ids)
	ids = slices.Compact(ids)
	name := "tickets.zip"
	switch len(ids) {
	case 0:
		return &problem{status: http.StatusUnprocessableEntity, text: "Tick the tickets that are to be in the bundle."}
	case 1:
		name = ids[0] + ".zip" // of which there is a ticket, or nothing is sent
	}
	v, err := s.now()
	if err != nil {
		return err
	}
	data, err := s.zipped(r.Context(), v, ids...)
	if err != nil {
		return err
	}
	download(w, name, data)
	return nil
}

// zipped is a bundle of tickets.
func (s *Site) zipped(ctx context.Context, v *view, ids ...string) (data []byte, err error) {
	err = s.some(ctx, v, ids, func(rep *report.Report) (err error) {
		data, err = rep.Bundle(ids...)
		return err
	})
	return data, err
}
