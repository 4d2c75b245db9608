package sim

// trait says what a payee's transactions are like.
type trait uint16

const (
	tips          trait = 1 << iota // the posted amount may exceed the pending one
	fuel                            // authorised with 1.00 or a round hold
	lodging                         // leaves holds that are released
	abroad                          // the final amount moves with the exchange rate
	subscription                    // is_subscription
	income                          // is_income; money in
	direct                          // is_direct_deposit
	fee                             // is_fee
	overdraft                       // is_overdraft_fee
	bill                            // is_bill_pay
	advance                         // is_payroll_advance
	transfer                        // neither income nor expense
	instantPosted                   // never pending: cash, fees, transfers within the bank
)

// payee is somebody that money goes to or comes from. Amounts are cents: one of
// points if there are any, else between lo and hi, small ones more often.
type payee struct {
	name, feed    string // cleansed, and as the bank's feed has it
	category, top string
	mcc           int // ISO 18245, 0 = null
	lo, hi        int64
	points        []int64
	traits        trait
}

// shops are what random spending picks from.
var shops = [...]payee{
	{name: "Corner Roast Coffee", feed: "SQ *CORNER ROAST", category: "Coffee Shops", top: "Food & Dining", mcc: 5814, points: []int64{450, 525, 575, 895}},
	{name: "Kaffeehaus Müller", feed: "KAFFEEHAUS MÜLLER", category: "Coffee Shops", top: "Food & Dining", mcc: 5814, points: []int64{395, 480}},
	{name: "Bean & \"Leaf\"", feed: "BEAN & \"LEAF\" LLC", category: "Coffee Shops", top: "Food & Dining", mcc: 5814, points: []int64{350, 450, 625}},
	{name: "Metro Transit", feed: "METRO TRANSIT FARE", category: "Public Transportation", top: "Auto & Transport", mcc: 4111, points: []int64{250, 275, 500}},
	{name: "Harvest Lane Market", feed: "HARVEST LANE MKT", category: "Groceries", top: "Food & Dining", mcc: 5411, lo: 600, hi: 19000},
	{name: "Valley Fresh Foods", feed: "VALLEY FRESH", category: "Groceries", top: "Food & Dining", mcc: 5411, lo: 900, hi: 24000},
	{name: "Mercado La Paloma", feed: "MERCADO LA PALOMA", category: "Groceries", top: "Food & Dining", mcc: 5411, lo: 400, hi: 9000},
	{name: "BulkBarn Warehouse", feed: "BULKBARN WHSE", category: "Groceries", top: "Food & Dining", mcc: 5300, lo: 4000, hi: 42000},
	{name: "Summit Fuel", feed: "SUMMIT FUEL", category: "Gas", top: "Auto & Transport", mcc: 5542, lo: 1800, hi: 8200, traits: fuel},
	{name: "Redline Gas & Go", feed: "REDLINE GAS", category: "Gas", top: "Auto & Transport", mcc: 5542, lo: 1500, hi: 7500, traits: fuel},
	{name: "Prairie Petrol", feed: "PRAIRIE PETROL", category: "Gas", top: "Auto & Transport", mcc: 5541, lo: 2000, hi: 9000, traits: fuel},
	{name: "The Copper Pan", feed: "THE COPPER PAN", category: "Restaurants", top: "Food & Dining", mcc: 5812, lo: 1800, hi: 14000, traits: tips},
	{name: "Noodle <House>", feed: "NOODLE <HOUSE>", category: "Restaurants", top: "Food & Dining", mcc: 5812, lo: 1200, hi: 6500, traits: tips},
	{name: "Taquería El Sol", feed: "TAQUERIA EL SOL", category: "Restaurants", top: "Food & Dining", mcc: 5812, lo: 900, hi: 5200, traits: tips},
	{name: "🍕 Slice & Co", feed: "SLICE AND CO", category: "Fast Food", top: "Food & Dining", mcc: 5814, points: []int64{375, 749, 1299, 1899}},
	{name: "Burger Barn", feed: "BURGER BARN", category: "Fast Food", top: "Food & Dining", mcc: 5814, lo: 700, hi: 2600},
	{name: "Golden Wok", feed: "GOLDEN WOK", category: "Restaurants", top: "Food & Dining", mcc: 5812, lo: 1100, hi: 6000, traits: tips},
	{name: "Hop & Anchor Pub", feed: "HOP ANCHOR PUB", category: "Alcohol & Bars", top: "Food & Dining", mcc: 5813, lo: 800, hi: 9000, traits: tips},
	{name: "Ridewell", feed: "RIDEWELL *TRIP", category: "Taxi", top: "Auto & Transport", mcc: 4121, lo: 700, hi: 4800, traits: tips},
	{name: "ParkEasy", feed: "PARKEASY", category: "Parking", top: "Auto & Transport", mcc: 7523, points: []int64{200, 400, 600, 1200}},
	{name: "Northgate Inn", feed: "NORTHGATE INN", category: "Hotel", top: "Travel", mcc: 7011, lo: 9500, hi: 42000, traits: lodging},
	{name: "Hôtel du Lac", feed: "HOTEL DU LAC GENEVE CHE", category: "Hotel", top: "Travel", mcc: 7011, lo: 12000, hi: 48000, traits: lodging | abroad},
	{name: "Skylark Air", feed: "SKYLARK AIR 0271", category: "Air Travel", top: "Travel", mcc: 4511, lo: 8900, hi: 89000},
	{name: "Ferrovia Italia", feed: "FERROVIA ITALIA ROMA ITA", category: "Travel", top: "Travel", mcc: 4112, lo: 1900, hi: 15000, traits: abroad},
	{name: "東京カメラ", feed: "TOKYO CAMERA SHIBUYA JPN", category: "Electronics & Software", top: "Shopping", mcc: 5946, lo: 3000, hi: 60000, traits: abroad},
	{name: "Parcel.shop", feed: "PARCEL.SHOP*2K4", category: "Shopping", top: "Shopping", mcc: 5999, lo: 500, hi: 22000},
	{name: "=Equals Apparel", feed: "=EQUALS APPAREL", category: "Clothing", top: "Shopping", mcc: 5651, lo: 1500, hi: 18000},
	{name: "+Plus Pharmacy", feed: "+PLUS PHARMACY", category: "Pharmacy", top: "Health & Fitness", mcc: 5912, lo: 400, hi: 9000},
	{name: "-Minus Tools", feed: "-MINUS TOOLS", category: "Home Supplies", top: "Home", mcc: 5251, lo: 600, hi: 20000},
	{name: "@Work Supplies", feed: "@WORK SUPPLIES", category: "Office Supplies", top: "Business Services", mcc: 5943, lo: 500, hi: 16000},
	{name: "Hammer & Nail", feed: "HAMMER NAIL HDWE", category: "Home Improvement", top: "Home", mcc: 5200, lo: 700, hi: 38000},
	{name: "Green Thumb Nursery", feed: "GREEN THUMB NURS", category: "Lawn & Garden", top: "Home", mcc: 5261, lo: 900, hi: 12000},
	{name: "Paws & Claws", feed: "PAWS CLAWS PET", category: "Pet Food & Supplies", top: "Pets", mcc: 5995, lo: 1200, hi: 15000},
	{name: "City Vet Clinic", feed: "CITY VET CLINIC", category: "Veterinary", top: "Pets", mcc: 742, lo: 6500, hi: 48000},
	{name: "Dr. O'Neill, DDS", feed: "ONEILL DDS PLLC", category: "Dentist", top: "Health & Fitness", mcc: 8021, lo: 5000, hi: 60000},
	{name: "Bookworm Books", feed: "BOOKWORM BOOKS", category: "Books", top: "Shopping", mcc: 5942, lo: 800, hi: 7000},
	{name: "Pixel Arcade", feed: "PIXEL ARCADE", category: "Amusement", top: "Entertainment", mcc: 7994, points: []int64{500, 1000, 2000}},
	{name: "Roxy Cinema", feed: "ROXY CINEMA 8", category: "Movies & DVDs", top: "Entertainment", mcc: 7832, points: []int64{1100, 1400, 2800}},
	{name: "Appvault", feed: "APPVAULT*INAPP", category: "Games", top: "Entertainment", mcc: 5816, points: []int64{99, 199, 499, 999}},
	{name: "Little Steps Toys", feed: "LITTLE STEPS TOYS", category: "Toys", top: "Kids", mcc: 5945, lo: 900, hi: 9000},
	{name: "Quick Cuts", feed: "QUICK CUTS SALON", category: "Hair", top: "Personal Care", mcc: 7230, lo: 1800, hi: 9500, traits: tips},
	{name: "Spin Cycle Laundry", feed: "SPIN CYCLE", category: "Laundry", top: "Personal Care", mcc: 7216, points: []int64{325, 650, 975}},
	{name: "Postal Annex", feed: "POSTAL ANNEX", category: "Shipping", top: "Business Services", mcc: 9402, lo: 75, hi: 6000},
	{name: "Lotto Kiosk", feed: "LOTTO KIOSK", category: "Entertainment", top: "Entertainment", mcc: 7995, points: []int64{200, 500, 1000}},
}

// Payees of the bank's own making: cash, people, fees, holds.
var (
	cash      = payee{name: "ATM Withdrawal", feed: "ATM W/D", category: "Cash", top: "Uncategorized", mcc: 6011, points: []int64{2000, 4000, 6000, 10000, 20000}, traits: instantPosted}
	friend    = payee{name: "Person to Person", feed: "P2P PMT", category: "Transfer", top: "Transfer", lo: 500, hi: 15000, traits: transfer | instantPosted}
	atmFee    = payee{name: "ATM Fee", feed: "NON-NETWORK ATM FEE", category: "ATM Fee", top: "Fees & Charges", points: []int64{250, 300, 350}, traits: fee | instantPosted}
	odFee     = payee{name: "Overdraft Fee", feed: "OVERDRAFT ITEM FEE", category: "Overdraft Fee", top: "Fees & Charges", points: []int64{3500}, traits: fee | overdraft | instantPosted}
	fxFee     = payee{name: "Foreign Transaction Fee", feed: "INTL TXN FEE", category: "Service Fee", top: "Fees & Charges", lo: 30, hi: 900, traits: fee}
	moveCash  = payee{name: "Transfer", feed: "ONLINE XFER", category: "Transfer", top: "Transfer", lo: 1000, hi: 50000, traits: transfer | instantPosted}
	cashAhead = payee{name: "Payday Advance", feed: "EARNED WAGE ADV", category: "Income", top: "Income", points: []int64{5000, 10000}, traits: income | advance | instantPosted}
)

// Payees of the standing items of an account: what comes at its time.
var (
	employers = [...]payee{
		{name: "Acme Anvil Payroll", feed: "ACME ANVIL DIR DEP", category: "Paycheck", top: "Income", lo: 90000, hi: 340000, traits: income | direct | instantPosted},
		{name: "Blue Heron Health", feed: "BLUE HERON HLTH PAYROLL", category: "Paycheck", top: "Income", lo: 120000, hi: 410000, traits: income | direct | instantPosted},
		{name: "State of Utah", feed: "ST OF UTAH PAYROLL PPD", category: "Paycheck", top: "Income", lo: 110000, hi: 290000, traits: income | direct | instantPosted},
	}
	landlords = [...]payee{
		{name: "Maple Court Apartments", feed: "MAPLE COURT APTS WEB PMT", category: "Mortgage & Rent", top: "Home", lo: 85000, hi: 235000, traits: bill},
		{name: "Rent", feed: "RENTPAY*LOFTS", category: "Mortgage & Rent", top: "Home", lo: 70000, hi: 210000, traits: bill},
	}
	services = [...]payee{
		{name: "Streamly", feed: "STREAMLY.COM", category: "Television", top: "Bills & Utilities", mcc: 4899, points: []int64{1199, 1599, 2299}, traits: subscription},
		{name: "Tunewave", feed: "TUNEWAVE MUSIC", category: "Music", top: "Entertainment", mcc: 5815, points: []int64{999, 1099, 1699}, traits: subscription},
		{name: "Cloudbox", feed: "CLOUDBOX STORAGE", category: "Electronics & Software", top: "Shopping", mcc: 5734, points: []int64{199, 299, 999}, traits: subscription},
		{name: "Iron Temple Gym", feed: "IRON TEMPLE GYM", category: "Gym", top: "Health & Fitness", mcc: 7997, points: []int64{2499, 3999, 5900}, traits: subscription},
		{name: "Peak Mobile", feed: "PEAK MOBILE AUTOPAY", category: "Mobile Phone", top: "Bills & Utilities", mcc: 4814, lo: 3500, hi: 14000, traits: subscription | bill},
		{name: "Valley Power & Light", feed: "VALLEY PWR LT", category: "Utilities", top: "Bills & Utilities", mcc: 4900, lo: 4200, hi: 21000, traits: bill},
		{name: "Fibernet", feed: "FIBERNET INTERNET", category: "Internet", top: "Bills & Utilities", mcc: 4899, points: []int64{5999, 7999}, traits: subscription | bill},
		{name: "Guardian Mutual", feed: "GUARDIAN MUTUAL INS", category: "Auto Insurance", top: "Auto & Transport", mcc: 6300, lo: 6000, hi: 19000, traits: bill},
	}
	cheque       = payee{name: "Check", feed: "CHECK", category: "Check", top: "Uncategorized", lo: 2500, hi: 90000, traits: instantPosted}
	toSavings    = payee{name: "Transfer to Savings", feed: "XFER TO SAV", category: "Transfer", top: "Transfer", points: []int64{5000, 10000, 20000, 25000}, traits: transfer | instantPosted}
	fromChecking = payee{name: "Transfer from Checking", feed: "XFER FROM CHK", category: "Transfer", top: "Transfer", points: toSavings.points, traits: transfer | instantPosted}
	cardPayment  = payee{name: "Credit Card Payment", feed: "CARD PMT AUTOPAY", category: "Credit Card Payment", top: "Transfer", lo: 15000, hi: 120000, traits: transfer | bill | instantPosted}
	cardReceived = payee{name: "Payment Received", feed: "PAYMENT THANK YOU", category: "Credit Card Payment", top: "Transfer", lo: 15000, hi: 120000, traits: transfer | instantPosted}
	interestIn   = payee{name: "Interest Paid", feed: "INTEREST PAYMENT", category: "Interest Income", top: "Income", lo: 1, hi: 4200, traits: income | instantPosted}
	interestOut  = payee{name: "Interest Charge", feed: "INTEREST CHARGE", category: "Finance Charge", top: "Fees & Charges", lo: 800, hi: 90000, traits: fee | instantPosted}
	loanPayment  = payee{name: "Loan Payment", feed: "LOAN PMT RCVD", category: "Loan Payment", top: "Transfer", lo: 18000, hi: 240000, traits: transfer | instantPosted}
	contribution = payee{name: "Contribution", feed: "EE CONTRIBUTION", category: "Retirement", top: "Investments", lo: 10000, hi: 90000, traits: transfer | instantPosted}
	dividend     = payee{name: "Dividend", feed: "DIV REINVEST", category: "Dividend & Cap Gains", top: "Income", lo: 50, hi: 30000, traits: income | instantPosted}
	premium      = payee{name: "Premium", feed: "POLICY PREMIUM", category: "Life Insurance", top: "Health & Fitness", lo: 3000, hi: 16000, traits: bill | instantPosted}
)
