package report

import (
	"bytes"
	"strings"
	"testing"
)

// A payee tells no number of an account, an IBAN or a card, however it is
// written.
func TestMasked(t *testing.T) {
	for payee, want := range map[string]string{
		"PENDING - THE COPPER PAN 1000022526":                 "PENDING - THE COPPER PAN xxxx2526",
		"TRANSFER TO 000123456789":                            "TRANSFER TO xxxx6789",
		"CARD 4111 1111 1111 1234 LONDON":                     "CARD xxxx1234 LONDON",
		"4111-1111-1111-1234":                                 "xxxx1234",
		"4111 - 1111\t-  1111 − 1234":                         "xxxx1234",
		"12.34.56.789":                                        "xxxx6789",
		"1234\u200b5678":                                      "xxxx5678",
		"١٢٣٤٥٦٧":                                             "xxxx٤٥٦٧",
		"SEPA DE89370400440532013000 RENT":                    "SEPA xxxx3000 RENT",
		"SEPA DE89 3704 0044 0532 0130 00 RENT":               "SEPA xxxx3000 RENT",
		"gb29nwbk60161331926819":                              "xxxx6819",
		"GB29 NWBK 6016 1331 9268 19":                         "xxxx6819",
		"FR14 2004 1010 0505 0001 3M02 606":                   "xxxx2606",
		"MT84-MALT-0110-0001-2345-MTLC-AST0-01S":              "xxxx001S",
		"FROM 12345678 TO 87654321, ORDER1234567890":          "FROM xxxx5678 TO xxxx4321, ORDERxxxx7890",
		"STORE 12345, UNIT 7":                                 "STORE 12345, UNIT 7",
		"NO12 THE OLD SHOP 24":                                "NO12 THE OLD SHOP 24",
		"AB12 MEAL DEAL 5":                                    "AB12 MEAL DEAL 5",
		"Corner Cafe":                                         "Corner Cafe",
		"":                                                    "",
		strings.Repeat("a", longestText-3) + "1234567890":     strings.Repeat("a", longestText-3) + "xxx…",
		strings.Repeat("a ", longestText/2-2) + "1234 567890": strings.Repeat("a ", longestText/2-2) + "xxxx…",
	} {
		if got := string(masked(payee)); got != want {
			t.Errorf("%q is %q, want %q", payee, got, want)
		}
	}
}

// The files of a ticket and its bundle have no long number of a payee; guids,
// dates and amounts are whole.
func TestTicketTellsNoNumbers(t *testing.T) {
	f := lost("F-3")
	f.Payee, f.Transaction, f.Account, f.Amount = "GB29 NWBK 6016 1331 9268 19 1000022526", "TRN-1234567890", "ACT-0987654321", "123456.78"
	r := world(t, fine(), []sightings{{f, always()}})
	form := r.Ticket(r.Tickets[0].ID)
	files, err := form.files()
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for name, data := range files {
		for _, part := range []string{"NWBK", "6016", "926819", "100002"} {
			if bytes.Contains(data, []byte(part)) {
				t.Errorf("%s tells %s:\n%s", name, part, data)
			}
		}
		for _, part := range []string{"xxxx2526", "TRN-1234567890", "ACT-0987654321", "123456.78", "2026-11-12"} {
			if !bytes.Contains(data, []byte(part)) {
				t.Errorf("%s does not tell %s:\n%s", name, part, data)
			}
		}
	}
	if said := bytes.Contains(form.Markdown(), []byte("Long numbers in payees are masked")); !said {
		t.Error("the ticket does not say that numbers are masked")
	}
	f.Payee = "Corner Cafe"
	r = world(t, fine(), []sightings{{f, always()}})
	if said := bytes.Contains(r.Ticket(r.Tickets[0].ID).Markdown(), []byte("masked")); said {
		t.Error("the ticket says that numbers are masked where none is")
	}
}

// Texts and commands in a ticket's JSON are as they are to be pasted.
func TestTicketJSONIsPlain(t *testing.T) {
	f := lost("F-3")
	f.Payee = "<A&B>"
	r := world(t, fine(), []sightings{{f, always()}})
	data, err := r.Ticket(r.Tickets[0].ID).JSON()
	if err != nil || !bytes.Contains(data, []byte(`"<A&B>"`)) || !bytes.Contains(data, []byte("&to_date=")) || bytes.Contains(data, []byte(`\u00`)) {
		t.Errorf("%v, %s", err, data)
	}
}
