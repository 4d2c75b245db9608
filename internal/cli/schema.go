package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tallyport/schemas"
)

func (s *session) schemaCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:  "schema",
		Usage: "prints the data dictionary, or DDL for a warehouse",
		Description: `Examples:
  tallyport schema --table transactions
  tallyport schema --dialect postgres | psql warehouse
  tallyport schema --markdown > dictionary.md`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "table", Usage: "only this `TABLE`"},
			&cli.StringFlag{Name: "dialect", Usage: "CREATE TABLE for " + strings.Join(schemas.Dialects(), ", ")},
			&cli.BoolFlag{Name: "markdown", Usage: "the dictionary as Markdown"},
			jsonFlag("the dictionary as JSON"),
		},
		Action: s.schema,
	}, 0)
}

func (s *session) schema(c *cli.Context) error {
	tables := slices.Concat(schemas.Tables(), schemas.ReportTables())
	if name := c.String("table"); name != "" {
		i := slices.IndexFunc(tables, func(t *schemas.Table) bool { return t.Name == name })
		if i < 0 {
			var names []string
			for _, t := range tables {
				names = append(names, t.Name)
			}
			return usagef("there is no table %q; there are %s", name, listOf(names, "and"))
		}
		tables = tables[i : i+1]
	}
	forms := 0
	for _, f := range []string{"dialect", "markdown", "json"} {
		if c.IsSet(f) && c.String(f) != "false" {
			forms++
		}
	}
	if forms > 1 {
		return usagef("--dialect, --markdown and --json exclude each other")
	}
	var text []byte
	switch {
	case c.String("dialect") != "":
		ddl, ok := schemas.DDL(c.String("dialect"), tables)
		if !ok {
			return usagef("--dialect %q is not known%s; use %s", c.String("dialect"), perhaps("", c.String("dialect"), schemas.Dialects()), listOf(schemas.Dialects(), "or"))
		}
		text = []byte(ddl)
	case c.Bool("markdown"):
		text = schemas.DictionaryMarkdown(tables)
	case c.Bool("json"):
		text = schemas.DictionaryJSON(tables)
	default:
		text = schemas.DictionaryText(tables)
	}
	_, err := s.env.Stdout.Write(text)
	return err
}
