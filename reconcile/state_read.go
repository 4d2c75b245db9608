package reconcile

import (
	"bytes"
	"encoding/json"

	"tallyport/schemas"
)

// A state has a line for every user, and all of it is read every night. What
// stands in most lines is read here; whatever else there is, and a line that is
// not as stateWriter writes it, by encoding/json.

// readUser reads a line of a state.
func readUser(line []byte, u *userState) error {
	s := stateText{line: line, rest: line}
	if s.user(u); !s.odd && len(bytes.TrimSpace(s.rest)) == 0 {
		return nil
	}
	*u = userState{}
	return json.Unmarshal(line, u)
}

func (s *stateText) user(u *userState) {
	s.object(func(name string) {
		switch name {
		case "user":
			words(s, &u.User)
		case "members":
			u.Members = map[string]*memberState{}
			s.object(func(guid string) {
				m := new(memberState)
				u.Members[guid] = m
				s.member(m)
			})
		case "accounts":
			u.Accounts = map[string]*accountState{}
			s.object(func(guid string) {
				a := new(accountState)
				u.Accounts[guid] = a
				s.account(a)
			})
		case "links":
			s.array(func() {
				u.Links = append(u.Links, link{})
				s.link(&u.Links[len(u.Links)-1])
			})
		case "legs":
			s.array(func() {
				u.Legs = append(u.Legs, leg{})
				s.leg(&u.Legs[len(u.Legs)-1])
			})
		case "left":
			s.other(&u.Left)
		case "disabled":
			words(s, &u.Disabled)
		case "gone":
			words(s, &u.Gone)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) link(l *link) {
	s.object(func(name string) {
		switch name {
		case "o":
			words(s, &l.Out)
		case "p":
			s.unsigned(&l.OutKey)
		case "i":
			words(s, &l.In)
		case "q":
			s.unsigned(&l.InKey)
		case "m":
			integer(s, &l.Met)
		case "n":
			integer(s, &l.Alone)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) leg(l *leg) {
	s.object(func(name string) {
		switch name {
		case "g":
			words(s, &l.GUID)
		case "a":
			words(s, &l.Account)
		case "k":
			s.unsigned(&l.Key)
		case "s":
			integer(s, &l.Signed)
		case "d":
			s.unmarshal(&l.Date)
		case "o":
			s.yes(&l.Old)
		case "p":
			s.yes(&l.Pending)
		case "m":
			s.yes(&l.Met)
		case "q":
			s.yes(&l.Asked)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) member(m *memberState) {
	s.object(func(name string) {
		switch name {
		case "i":
			words(s, &m.Institution)
		case "f":
			s.unmarshal(&m.First)
		case "h":
			s.health(&m.Health)
		case "b":
			words(s, &m.Base)
		case "w":
			s.object(func(name string) {
				switch name {
				case "from":
					s.unmarshal(&m.BaseWindow.From)
				case "to":
					s.unmarshal(&m.BaseWindow.To)
				default:
					s.odd = true
				}
			})
		case "s":
			s.instant(&m.BaseSAA)
		case "t":
			s.unmarshal(&m.BaseAt)
		case "g":
			words(s, &m.Gone)
		case "c":
			s.other(&m.Carried)
		case "p":
			s.other(&m.Former)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) health(h *memberHistory) {
	s.object(func(name string) {
		switch name {
		case "f":
			s.unmarshal(&h.First)
		case "l":
			s.unmarshal(&h.Last)
		case "s":
			s.instant(&h.Success)
		case "r":
			s.run(&h.Run)
		case "d":
			s.run(&h.Down)
		case "j":
			s.instant(&h.Job)
		case "b":
			s.unmarshal(&h.Busy)
		case "w":
			integer(s, &h.Waited)
		case "i":
			s.yes(&h.Idle)
		case "e":
			s.yes(&h.Resumed)
		case "o":
			s.yes(&h.Off)
		case "x":
			s.shown(&h.Shown)
		case "u":
			s.shown(&h.Odd)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) run(r *statusRun) {
	s.object(func(name string) {
		switch name {
		case "o":
			words(s, &r.Of)
		case "b":
			s.unmarshal(&r.Before)
		case "f":
			s.unmarshal(&r.First)
		case "s":
			integer(s, &r.Seen)
		case "n":
			integer(s, &r.Looks)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) shown(x *shown) {
	s.object(func(name string) {
		switch name {
		case "c":
			words(s, &x.Code)
		case "v":
			words(s, &x.Verdict)
		case "s":
			words(s, &x.Status)
		case "f":
			words(s, &x.First)
		case "l":
			words(s, &x.Last)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) account(a *accountState) {
	s.object(func(name string) {
		switch name {
		case "m":
			words(s, &a.Member)
		case "f":
			words(s, &a.First)
		case "t":
			words(s, &a.Type)
		case "n":
			words(s, &a.Tail)
		case "c":
			s.yes(&a.Closed)
		case "z":
			s.yes(&a.Zero)
		case "y":
			s.unmarshal(&a.Updated)
		case "l":
			words(s, &a.Lineage)
		case "u":
			integer(s, &a.Booked)
		case "p":
			integer(s, &a.Pending)
		case "s":
			s.array(func() {
				a.Samples = append(a.Samples, sample{})
				s.sample(&a.Samples[len(a.Samples)-1])
			})
		case "d":
			s.other(&a.Missing)
		case "g":
			s.array(func() {
				a.Gone = append(a.Gone, new(gone))
				s.gone(a.Gone[len(a.Gone)-1])
			})
		case "b":
			a.Posted = map[string]string{}
			s.object(func(guid string) { a.Posted[guid] = s.text(s.quoted()) })
		case "2":
			s.array(func() {
				a.Doubles = append(a.Doubles, new(double))
				s.double(a.Doubles[len(a.Doubles)-1])
			})
		case "h":
			s.array(func() {
				a.Held = append(a.Held, new(gone))
				s.gone(a.Held[len(a.Held)-1])
			})
		case "x":
			s.other(&a.Away)
		case "w":
			a.Paid = new(payment)
			s.payment(a.Paid)
		case "k":
			s.array(func() {
				a.Checks = append(a.Checks, check{})
				s.check(&a.Checks[len(a.Checks)-1])
			})
		case "o":
			s.other(&a.Holes)
		case "q":
			a.Quiet = new(silence)
			s.silence(a.Quiet)
		case "r":
			s.array(func() {
				a.Series = append(a.Series, new(series))
				s.series(a.Series[len(a.Series)-1])
			})
		case "e":
			s.unmarshal(&a.Learnt)
		case "v":
			s.yes(&a.Pends)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) gone(g *gone) {
	s.object(func(name string) {
		switch name {
		case "r":
			s.row(&g.Row)
		case "l":
			words(s, &g.LastGood)
		case "s":
			s.instant(&g.LastSAA)
		case "f":
			words(s, &g.First)
		case "m":
			s.yes(&g.Stood)
		case "k":
			s.array(func() {
				var t schemas.Timestamp
				s.unmarshal(&t)
				g.Looks = append(g.Looks, t)
			})
		case "c":
			words(s, &g.Like)
		case "w":
			words(s, &g.Twin)
		case "u":
			words(s, &g.Doubt)
		case "o":
			words(s, &g.Code)
		case "x":
			words(s, &g.Claim)
		case "a":
			words(s, &g.Of)
		case "b":
			s.yes(&g.Booked)
		case "p":
			integer(s, &g.By)
		case "n":
			s.yes(&g.Unbooked)
		case "e":
			s.yes(&g.Cut)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) row(t *txn) {
	s.object(func(name string) {
		switch name {
		case "g":
			words(s, &t.GUID)
		case "d":
			s.unmarshal(&t.Date)
		case "a":
			integer(s, &t.Amount)
		case "f":
			integer(s, &t.Flags)
		case "h":
			integer(s, &t.Hash)
		case "c":
			s.unmarshal(&t.Created)
		case "p":
			words(s, &t.Payee)
		case "o":
			words(s, &t.Feed)
		case "y":
			words(s, &t.Category)
		case "u":
			words(s, &t.Currency)
		case "m":
			words(s, &t.Merchant)
		case "k":
			words(s, &t.Check)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) double(d *double) {
	s.object(func(name string) {
		switch name {
		case "g":
			words(s, &d.GUID)
		case "o":
			words(s, &d.Of)
		case "a":
			integer(s, &d.By)
		case "t":
			s.unmarshal(&d.At)
		case "x":
			s.yes(&d.Extra)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) payment(p *payment) {
	s.object(func(name string) {
		switch name {
		case "d":
			s.unmarshal(&p.Date)
		case "a":
			integer(s, &p.Amount)
		case "m":
			integer(s, &p.Met)
		case "o":
			s.yes(&p.Done)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) sample(x *sample) {
	s.object(func(name string) {
		switch name {
		case "t":
			s.unmarshal(&x.At)
		case "b":
			integer(s, &x.Balance)
		case "u":
			integer(s, &x.Booked)
		case "p":
			integer(s, &x.Pending)
		case "v":
			s.yes(&x.Available)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) check(c *check) {
	s.object(func(name string) {
		switch name {
		case "n":
			integer(s, &c.Number)
		case "d":
			s.unmarshal(&c.Date)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) silence(q *silence) {
	s.object(func(name string) {
		switch name {
		case "d":
			s.unmarshal(&q.Last)
		case "m":
			integer(s, &q.Largest)
		case "n":
			integer(s, &q.Gaps)
		case "s":
			integer(s, &q.Sum)
		case "q":
			integer(s, &q.Squares)
		case "f":
			words(s, &q.First)
		default:
			s.odd = true
		}
	})
}

func (s *stateText) series(r *series) {
	s.object(func(name string) {
		switch name {
		case "k":
			s.unsigned(&r.Key)
		case "a":
			integer(s, &r.Signed)
		case "d":
			r.Dates = make([]schemas.Date, 0, keptDates)
			s.array(func() {
				var d schemas.Date
				s.unmarshal(&d)
				r.Dates = append(r.Dates, d)
			})
		case "p":
			words(s, &r.Payee)
		case "u":
			s.unmarshal(&r.Due)
		case "f":
			words(s, &r.First)
		case "s":
			words(s, &r.Step)
		case "v":
			s.yes(&r.Varies)
		default:
			s.odd = true
		}
	})
}
