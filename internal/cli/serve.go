package cli

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tallyport/internal/serve"
)

func (s *session) serveCommand() *cli.Command {
	return s.command(&cli.Command{
		Name:  "serve",
		Usage: "shows the report and the tickets as a local web page, and takes what people decide",
		Description: `For support teams: findings and tickets, each with a page; search by any guid; the story of a
transaction; the decisions of tallyport tickets as forms. It runs until it is interrupted, and shows a
new night as soon as it is reconciled.

It is for this machine alone, unless --token-file names a file with a token: 16 characters or more, in a
file that only you can read. Open the page with ?token=… at the end of its address, once, or type it
there. The page speaks plain http: for others than this machine put a proxy with TLS in front of it, and
say with --host under which name they ask for it.

Examples:
  tallyport serve --store /data/mx
  tallyport serve --store /data/mx --listen 127.0.0.1:8323 --host desk.example.com --token-file /etc/mx/page`,
		Flags: []cli.Flag{storeFlag(),
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8323", Usage: "`ADDRESS` to show the page at; port 0 takes a free one"},
			&cli.StringFlag{Name: "host", Usage: "other `NAMES` that the page is asked for under, separated by commas"},
			&cli.StringFlag{Name: "token-file", Usage: "`FILE` with the token that people need to see anything"},
		},
		Action: s.servePage,
	}, 0)
}

// shortestToken is how long a token has to be, so that nobody guesses it.
const shortestToken = 16

func (s *session) servePage(c *cli.Context) (err error) {
	address := c.String("listen")
	own, _, err := net.SplitHostPort(address)
	if err != nil {
		return usagef("--listen %q is not an address; write it as 127.0.0.1:8323", address)
	}
	hosts := strings.FieldsFunc(c.String("host"), func(r rune) bool { return r == ',' || r == ' ' })
	o := serve.Options{Now: s.env.Now, Log: s.log, Hosts: hosts}
	if file := c.String("token-file"); file != "" {
		if o.Token, err = secretFile("--token-file", file); err != nil {
			return err
		}
		if len(o.Token) < shortestToken {
			return usagef("--token-file: the token in %s is shorter than %d characters; head -c 24 /dev/urandom | base64 makes one", file, shortestToken)
		}
	} else {
		if !isLoopback(own) || slices.ContainsFunc(hosts, func(name string) bool { return !isLoopback(name) }) {
			return usagef("others than this machine may see the page only with a token; name a file that holds one with --token-file")
		}
		o.Who, _ = s.lookup("USER") // nobody else is here
	}
	if own != "" {
		o.Hosts = append(o.Hosts, own)
	}
	st, err := s.openStore(c.String("store"))
	if err != nil {
		return err
	}
	defer closeStore(st, &err)
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("%w; choose another port with --listen, or 0 for a free one", err)
	}
	srv := start(l, serve.New(st, o).Server(c.Context))
	s.out("%s\n", srv.url())
	if s.env.Terminal {
		s.log.Info("open the address in a browser; Ctrl-C ends it")
	}
	select {
	case <-c.Context.Done(): // to be interrupted is how it is meant to end
		return srv.stop()
	case err := <-srv.ended:
		return err
	}
}
