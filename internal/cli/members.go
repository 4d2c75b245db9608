package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"tallyport/export"
	"tallyport/schemas"
)

func (s *session) membersCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:  "members",
		Usage: "lists members and their connection status as they are now, oldest success first",
		Description: `Reads the API, not the store. Exit code 3 if some lists could not be read, 1 if
that of the users could not, or none of those named exists.

Examples:
  tallyport members --users pilot.txt
  tallyport members --json | head`,
		Flags: append(clientFlags(),
			&cli.StringFlag{Name: "users", Usage: "only the users of `FILE`, one guid a line"},
			jsonFlag("print one JSON object per member")),
		Action: s.members,
	}, 0)
}

// memberLine is one member.
type memberLine struct {
	User      string             `json:"user_guid"`
	Member    string             `json:"member_guid"`
	Code      string             `json:"institution_code"`
	Name      string             `json:"name"`
	Status    string             `json:"connection_status"`
	Succeeded *schemas.Timestamp `json:"successfully_aggregated_at"`
	Tried     *schemas.Timestamp `json:"aggregated_at"`
	Busy      bool               `json:"is_being_aggregated"`
	Hours     *int64             `json:"hours_since_success"`
}

func (s *session) members(c *cli.Context) error {
	users, err := readUsers(c.String("users"))
	if err != nil {
		return err
	}
	client, err := s.client(c)
	if err != nil {
		return err
	}
	defer client.Close()
	rows, failed, observed, err := export.Members(c.Context, client, users.list(), c.Int("concurrency"))
	if err != nil {
		return err
	}
	failed, unknown := s.withoutUnknown(failed)
	if users != nil && unknown == len(users.ids) {
		return fmt.Errorf("%w (%d asked for); check the list, and that it belongs to this environment and client", export.ErrNoUser, unknown)
	}
	for _, w := range failed {
		s.log.Warn("incomplete", "resource", w.Resource, "user", w.User, "reason", w.Reason, "detail", w.Detail)
	}
	lines, err := memberLines(rows, observed)
	if err != nil {
		return err
	}
	if err := s.printMembers(lines, c.Bool("json")); err != nil {
		return err
	}
	if len(failed) > 0 {
		return exit(exitGaps)
	}
	return nil
}

// withoutUnknown takes the named users who are not there out of the walks that
// failed, says who they are, and how many.
func (s *session) withoutUnknown(failed []schemas.Walk) ([]schemas.Walk, int) {
	unknown := 0
	rest := slices.DeleteFunc(failed, func(w schemas.Walk) bool {
		if w.Reason != schemas.NotFound {
			return false
		}
		if unknown++; unknown <= export.ShownUnknown {
			s.log.Warn("a named user does not exist", "user", w.User)
		}
		return true
	})
	if more := unknown - export.ShownUnknown; more > 0 {
		s.log.Warn("more of the named users do not exist", "users", more)
	}
	return rest, unknown
}

func memberLines(rows *schemas.Rows, observed schemas.Timestamp) ([]memberLine, error) {
	t := schemas.Members
	vals := make([]schemas.Value, t.Width())
	cell := func(name string) schemas.Value { return vals[t.Index(name)] }
	instant := func(name string) *schemas.Timestamp {
		v := cell(name)
		if !v.Set {
			return nil
		}
		ts := schemas.Timestamp(v.Int)
		return &ts
	}
	lines := make([]memberLine, 0, rows.Len())
	for i := range rows.Len() {
		if err := t.Decode(rows.At(i), vals); err != nil {
			return nil, err
		}
		l := memberLine{
			User: cell("user_guid").String(), Member: cell("guid").String(), Code: cell("institution_code").String(), Name: cell("name").String(),
			Status: cell("connection_status").String(), Succeeded: instant("successfully_aggregated_at"), Tried: instant("aggregated_at"),
			Busy: cell("is_being_aggregated").Int != 0,
		}
		if l.Succeeded != nil && observed != 0 {
			h := int64(observed-*l.Succeeded) / int64(time.Hour/time.Microsecond)
			l.Hours = &h
		}
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b memberLine) int {
		if d := compareInstants(a.Succeeded, b.Succeeded); d != 0 {
			return d
		}
		return slices.Compare([]string{a.User, a.Member}, []string{b.User, b.Member})
	})
	return lines, nil
}

// compareInstants orders never before any time.
func compareInstants(a, b *schemas.Timestamp) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	case *a < *b:
		return -1
	case *a > *b:
		return 1
	}
	return 0
}

func (s *session) printMembers(lines []memberLine, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(s.env.Stdout)
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	w := s.table("USER", "MEMBER", "INSTITUTION", "STATUS", "LAST SUCCESS", "AGE", "LAST TRY")
	for _, l := range lines {
		status := l.Status
		if status == "" {
			status = "none"
		}
		if l.Busy {
			status += " (aggregating)"
		}
		age := ""
		if l.Hours != nil {
			age = fmt.Sprintf("%dd %02dh", *l.Hours/24, *l.Hours%24)
		}
		// Text of the API is quoted where it could upset a terminal.
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", printable(l.User), printable(l.Member), printable(l.Code), printable(status), instantText(l.Succeeded), age, instantText(l.Tried))
	}
	return w.Flush()
}

func instantText(t *schemas.Timestamp) string {
	if t == nil {
		return "never"
	}
	return t.Time().Format("2006-01-02 15:04:05Z")
}

// printable keeps control characters of the API away from the terminal.
func printable(s string) string {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e || r == 0xfffd {
			return fmt.Sprintf("%q", s)
		}
	}
	return s
}
