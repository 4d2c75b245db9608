package sim

// pendingMode is what becomes of an institution's pending rows (mx-api.md
// §1.12: mostly replaced under a new guid, sometimes the same guid, rarely both
// for up to 14 days, all pendings deleted at 14 days, many institutions send
// none).
type pendingMode uint8

const (
	pendingReplaced pendingMode = iota // deleted when the posted row appears under a new guid
	pendingKept                        // the same guid turns POSTED
	pendingCoexists                    // stays beside the posted row for some days
	pendingPurged                      // stays until the purge at 14 days
	pendingNone                        // never sent
)

// institution is one financial institution, the fields of mx-api.md §1.5 and
// how its feed behaves.
type institution struct {
	code, name, url string
	supports        [5]bool // identification, statement, verification, history, oauth
	pending         pendingMode
	dialect         uint64 // decides texts, timestamp forms and which optional keys appear
	weight          int    // how often members choose it
}

// Positions in institution.supports, and the JSON key of each.
const (
	identification = iota
	statements
	verification
	history
	oauth
)

var supportKeys = [...]string{
	identification: "supports_account_identification",
	statements:     "supports_account_statement",
	verification:   "supports_account_verification",
	history:        "supports_transaction_history",
	oauth:          "supports_oauth",
}

// institutionNames are the made-up institutions; mxbank, the test bank, is the
// first of every world (mx-api.md §1.9).
var institutionNames = [...]struct{ code, name string }{
	{"mxbank", "MX Bank"},
	{"alder_credit_union", "Alder Credit Union"},
	{"atlas_national", "Atlas National Bank"},
	{"beacon_federal", "Beacon Federal"},
	{"bluepeak", "Bluepeak Bank"},
	{"caixa_do_norte", "Caixa do Norte"},
	{"cedar_savings", "Cedar Savings & Loan"},
	{"", "Citizens' Trust of Elko"},
	{"cobalt_card", "Cobalt Card Services"},
	{"", "Compass Rose Community Bank"},
	{"crown_and_anchor", "Crown & Anchor Bank, N.A."},
	{"deseret_valley", "Deseret Valley CU"},
	{"", "Eagle Fork Federal Credit Union"},
	{"evergreen", "Evergreen Online"},
	{"first_harbor", "First Harbor Bank"},
	{"", "Forêt Desjardins (QC)"},
	{"glacier", "Glacier Mutual"},
	{"granite_state", "Granite State Bank"},
	{"", "Hearth & Home Mortgage"},
	{"ironwood", "Ironwood Credit Union"},
	{"juniper_direct", "Juniper Direct"},
	{"kestrel", "Kestrel Investments"},
	{"", "Lakeshore Teachers' FCU"},
	{"lantern", "Lantern Bank"},
	{"", "Lotus <Asia> Bank"},
	{"meridian_retirement", "Meridian Retirement 401(k)"},
	{"", "Northern \"Lights\" Bank"},
	{"old_mill", "Old Mill Savings"},
	{"", "Orchard Student Lending"},
	{"pioneer_valley", "Pioneer Valley Bank"},
	{"quarry", "Quarry Business Bank"},
	{"", "Red Mesa Credit Union"},
	{"riverbend", "Riverbend Bank"},
	{"", "Sagebrush State Bank"},
	{"silverline", "Silverline Prepaid"},
	{"", "Sundial Life & Annuity"},
	{"tidewater", "Tidewater Bank"},
	{"", "Union of Weavers CU"},
	{"wasatch_auto", "Wasatch Auto Finance"},
	{"yonder", "Yonder Neobank"},
}

func buildInstitutions(seed uint64) []institution {
	all := make([]institution, len(institutionNames))
	for i, n := range institutionNames {
		h := hashString(seed, n.name)
		in := institution{code: n.code, name: n.name, dialect: hash(h, 1), weight: 1 + int(h%7)}
		if in.code == "" { // some codes look like UUIDs
			g := formatGUID("INS", hash(h, 2), hash(h, 3))
			in.code = string(g[4:])
		}
		in.url = "https://www." + hostLabel(n.name) + ".example"
		for s := range in.supports {
			in.supports[s] = hash(h, 10+uint64(s))%100 < 60
		}
		switch x := (i*37 + int(seed%100)) % 40; { // 70 % replaced over the whole table, whatever the seed
		case x < 28:
			in.pending = pendingReplaced
		case x < 34:
			in.pending = pendingKept
		case x < 35:
			in.pending = pendingCoexists
		case x < 36:
			in.pending = pendingPurged
		default:
			in.pending = pendingNone
		}
		all[i] = in
	}
	all[0].url = "https://www.mx.com"
	all[0].supports = [5]bool{verification: true} // as seen live (mx-api.md §1.5)
	return all
}

// hostLabel keeps the letters of a name, in lower case.
func hostLabel(name string) string {
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b = append(b, c)
		}
	}
	return string(b)
}

// institutionOf chooses the institution of a member.
func (w *World) institutionOf(h uint64) *institution {
	total := 0
	for i := range w.institutions {
		total += w.institutions[i].weight
	}
	x := pick(h, total)
	for i := range w.institutions {
		if x -= w.institutions[i].weight; x < 0 {
			return &w.institutions[i]
		}
	}
	return &w.institutions[0]
}

func (in *institution) render(e *encoder) {
	e.ascii = in.dialect&7 == 0
	e.begin()
	e.str("code", in.code)
	e.str("medium_logo_url", "https://content.sim.example/logos/100x100/"+in.code+".png")
	e.str("name", in.name)
	e.str("small_logo_url", "https://content.sim.example/logos/50x50/"+in.code+".png")
	for s, key := range supportKeys {
		e.bool(key, in.supports[s])
	}
	e.str("url", in.url)
	if in.dialect>>3&15 == 0 {
		e.raw("instructional_text", `null`)
	}
	e.end()
}
