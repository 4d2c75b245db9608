package sim

// Names and places of the pretend people. All are made up or so common that
// they point at nobody.

var givenNames = [...]string{
	"Adaeze", "Agnes", "Amir", "Ana", "Anselm", "Aoife", "Beatriz", "Bram", "Brigid", "Callum", "Chidi", "Clara",
	"Dalia", "Desmond", "Dieter", "Edith", "Eero", "Elif", "Emeka", "Farah", "Fergus", "Gloria", "Hana", "Hiro",
	"Ignacio", "Imogen", "Ines", "Jakub", "Jia", "Joaquín", "Kareem", "Katalin", "Lars", "Leilani", "Lucía", "Mairéad",
	"Malik", "Marisol", "Mei", "Nadia", "Nikhil", "Noor", "Olga", "Omari", "Paloma", "Pekka", "Priya", "Quentin",
	"Renée", "Rosalind", "Sanjay", "Siobhán", "Søren", "Tamsin", "Thandiwe", "Tomás", "Ulrike", "Vikram", "Wren", "Zofia",
}

var familyNames = [...]string{
	"Abara", "Adeyemi", "Almeida", "Andersson", "Ashworth", "Baptiste", "Bergström", "Blackwood", "Brandt", "Castellanos",
	"Chaudhry", "Colquhoun", "D'Angelo", "Dvořák", "Eriksen", "Fairbairn", "Fitzgerald", "Fonseca", "Gallagher", "García",
	"Haddad", "Hargreaves", "Hoang", "Ibarra", "Ivanova", "Jankowski", "Kaplan", "Kimura", "Kowalczyk", "Lindqvist",
	"MacLeod", "Mbeki", "Mendoza", "Müller", "Nakagawa", "Nguyễn", "O'Brien", "Okafor", "Oyelaran", "Papadakis",
	"Pereira", "Quintero", "Rahman", "Reyes-Vega", "Rutherford", "Saarinen", "Sandoval", "Schäfer", "Sørensen", "Takahashi",
	"Tanaka", "Thornbury", "Valdez", "van der Berg", "Vasquez", "Whitcombe", "Yamamoto", "Yılmaz", "Zakaria", "Zielinski",
}

// place is a town with what an owner's address and a merchant's feed text need.
type place struct {
	city, state, stateName, postal string
	lat, lon                       int // millionths of a degree
}

var places = [...]place{
	{"Provo", "UT", "Utah", "84601", 40_233_844, -111_658_531},
	{"Lehi", "UT", "Utah", "84043", 40_391_617, -111_850_769},
	{"Boise", "ID", "Idaho", "83702", 43_615_019, -116_202_314},
	{"Tacoma", "WA", "Washington", "98402", 47_252_877, -122_444_290},
	{"Eugene", "OR", "Oregon", "97401", 44_052_069, -123_086_754},
	{"Fresno", "CA", "California", "93721", 36_746_842, -119_772_587},
	{"Mesa", "AZ", "Arizona", "85201", 33_415_184, -111_831_472},
	{"Laredo", "TX", "Texas", "78040-1204", 27_503_561, -99_507_550},
	{"Tulsa", "OK", "Oklahoma", "74103", 36_153_982, -95_992_775},
	{"Duluth", "MN", "Minnesota", "55802", 46_786_672, -92_100_485},
	{"Dayton", "OH", "Ohio", "45402", 39_758_948, -84_191_607},
	{"Savannah", "GA", "Georgia", "31401", 32_080_926, -81_091_177},
	{"Worcester", "MA", "Massachusetts", "01608", 42_262_593, -71_802_293},
	{"Bangor", "ME", "Maine", "04401-6506", 44_801_182, -68_777_814},
	{"San Juan", "PR", "Puerto Rico", "00901", 18_465_539, -66_105_735},
	{"Montréal", "QC", "Québec", "H2Y 1C6", 45_501_689, -73_567_256},
}

var streets = [...]string{
	"Alder St", "Birch Ave", "Cedar Ln", "Center St", "Dover Ct", "Elm St #4", "Foundry Rd", "Granite Way",
	"Harbor Blvd", "Juniper Dr", "Main St", "N 400 W", "Orchard Pl", "Rue de l'Église", "Summit Rd", "Vine St, Apt \"B\"",
}

// oddTexts are what people and banks really put into free text, each of which
// has broken somebody's import: spreadsheet formulas, markup, quotes, control
// characters, other scripts.
var oddTexts = [...]string{
	`=HYPERLINK("http://example.test","refund")`,
	`+1 801 555 0142`,
	`-reversal pending-`,
	`@home office`,
	"\tindented by the bank",
	`<b>gift</b> & <i>card</i>`,
	`he said "keep it"`,
	`back\slash\path`,
	"two\nlines",
	`für Café Zürich, 2× Crème brûlée`,
	`🍕 split w/ 👩‍🚀`,
	`شكرا جزيلا`,
	`ありがとうございました`,
	`＝全角`,
	`'quoted'`,
	"bell\u0007 and \u0001 control",
	`comma, semicolon; pipe | tab`,
	` leading and trailing `,
}
