package reconcile

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"
)

// No text of the API is run by a spreadsheet that opens findings.csv.
func TestFindingsAreDefused(t *testing.T) {
	const formula = "=1+1"
	res := &Result{Findings: []Finding{{ID: "F-A", User: formula, Member: formula, Account: formula, Transaction: formula, Institution: formula, Type: formula, Payee: formula}}}
	files, err := res.Files(false)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(files["findings.csv"])).ReadAll()
	if err != nil || len(lines) != 2 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for i, name := range lines[0] {
		theirs := slices.Contains([]string{"user_guid", "member_guid", "account_guid", "transaction_guid", "institution_code", "type", "payee"}, name)
		if got := lines[1][i]; got == formula || theirs != (got == "'"+formula) {
			t.Errorf("%s is %q", name, got)
		}
	}
	if !bytes.Contains(files["findings.jsonl"], []byte(`"institution_code":"`+formula+`"`)) {
		t.Errorf("findings.jsonl has %s", files["findings.jsonl"])
	}
}
