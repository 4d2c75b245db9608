package schemas

// Tables returns every table of a snapshot, in the order in which an export
// fills them.
func Tables() []*Table {
	return []*Table{Users, Members, Accounts, Transactions, AccountOwners, Institutions, Coverage}
}

// ReportTables returns the tables that reports hold beside the snapshots.
func ReportTables() []*Table { return []*Table{Findings, Changes} }

// The tables. Fields of the API are those of mx-api.md §1.5, the union where
// MX's clients differ; field ids follow the order here, so new columns go to
// the end of a list.

// Users is the people whose data a client of MX holds.
var Users = newTable("users",
	"One row per user of the client: a person in the client's own system.",
	[]string{"guid"}, []Column{
		{Name: "guid", Kind: Text, Required: true, Meaning: "MX's id of the user."},
		{Name: "identifier", Kind: Text, Personal: true, Meaning: "The client's own id of the user; null when the client gave none."},
		{Name: "is_disabled", Kind: Bool, Meaning: "True while the user is disabled: nothing is aggregated and MX may withhold the data."},
		{Name: "metadata", Kind: Text, Personal: true, Meaning: "Opaque text that the client stored with the user, often JSON inside the string."},
	})

// Members is the connections of users to institutions.
var Members = newTable("members",
	"One row per member: one user's connection to one institution.",
	[]string{"user_guid", "guid"}, []Column{
		{Name: "guid", Kind: Text, Required: true, Meaning: "MX's id of the member."},
		{Name: "user_guid", Kind: Text, Required: true, Meaning: "The user that the member belongs to."},
		{Name: "identifier", Kind: Text, Personal: true, Meaning: "The client's own id of the member."},
		{Name: "institution_code", Kind: Text, Meaning: "The institution connected to; code in institutions."},
		{Name: "name", Kind: Text, Meaning: "Display name of the institution."},
		{Name: "metadata", Kind: Text, Personal: true, Meaning: "Opaque text that the client stored with the member."},
		{Name: "aggregated_at", Kind: Instant, Unit: "UTC", Meaning: "Start of the most recent job of any kind; says nothing about its success."},
		{Name: "successfully_aggregated_at", Kind: Instant, Unit: "UTC", Meaning: "Last time a job succeeded; null before the first success. The age of the member's data."},
		{Name: "is_being_aggregated", Kind: Bool, Meaning: "True if a job was running when the member was read."},
		{Name: "connection_status", Kind: Text, Meaning: "State of the connection: CONNECTED, CHALLENGED, DENIED …; null for members that never aggregate."},
		{Name: "status", Kind: Text, Meaning: "Older job state, still served beside connection_status."},
		{Name: "is_oauth", Kind: Bool, Meaning: "True if the connection is made through the institution's OAuth pages."},
		{Name: "oauth_window_uri", Kind: Text, Personal: true, Meaning: "One-time address of those pages, where one is open."},
		{Name: "background_aggregation_is_disabled", Kind: Bool, Meaning: "True if the nightly job of MX is turned off for the member."},
	})

// Accounts is the accounts that members hold.
var Accounts = newTable("accounts",
	"One row per account at an institution.",
	[]string{"user_guid", "member_guid", "guid"}, []Column{
		{Name: "guid", Kind: Text, Required: true, Meaning: "MX's id of the account."},
		{Name: "member_guid", Kind: Text, Required: true, Meaning: "The member that the account belongs to."},
		{Name: "user_guid", Kind: Text, Required: true, Meaning: "The user that the account belongs to."},
		{Name: "institution_code", Kind: Text, Meaning: "The institution that keeps the account."},
		{Name: "name", Kind: Text, Personal: true, Meaning: "Display name of the account."},
		{Name: "account_number", Kind: Text, Personal: true, Meaning: "Account number, usually masked or partial."},
		{Name: "type", Kind: Text, Meaning: "CHECKING, SAVINGS, CREDIT_CARD, LOAN, INVESTMENT …; ANY where the feed gave nothing usable."},
		{Name: "subtype", Kind: Text, Meaning: "Finer type, e.g. MONEY_MARKET, AUTO; null and NONE mean the same."},
		{Name: "balance", Kind: Amount, Unit: "currency_code", Meaning: "Current balance, usually without pending transactions. Normally positive for every type: for debts it is what is owed."},
		{Name: "available_balance", Kind: Amount, Unit: "currency_code", Meaning: "What can be spent from an asset account, usually net of pending transactions."},
		{Name: "available_credit", Kind: Amount, Unit: "currency_code", Meaning: "What can still be drawn on a debt account."},
		{Name: "credit_limit", Kind: Amount, Unit: "currency_code", Meaning: "Most that may be owed."},
		{Name: "cash_balance", Kind: Amount, Unit: "currency_code", Meaning: "Cash held in an investment account."},
		{Name: "holdings_value", Kind: Amount, Unit: "currency_code", Meaning: "Value of the securities in an investment account."},
		{Name: "total_account_value", Kind: Amount, Unit: "currency_code", Meaning: "Cash and holdings of an investment account together."},
		{Name: "cash_surrender_value", Kind: Amount, Unit: "currency_code", Meaning: "What an insurance policy pays when it is given up."},
		{Name: "death_benefit", Kind: Amount, Unit: "currency_code", Meaning: "What an insurance policy pays on death."},
		{Name: "loan_amount", Kind: Amount, Unit: "currency_code", Meaning: "Amount lent, for loans and loans on insurance policies."},
		{Name: "pay_out_amount", Kind: Amount, Unit: "currency_code", Meaning: "What an insurance policy pays out."},
		{Name: "premium_amount", Kind: Amount, Unit: "currency_code", Meaning: "Premium of an insurance policy."},
		{Name: "insured_name", Kind: Text, Personal: true, Meaning: "Person that an insurance policy covers."},
		{Name: "apr", Kind: Percent, Unit: "percent", Meaning: "Annual percentage rate charged: 19.99 is 19.99 %."},
		{Name: "apy", Kind: Percent, Unit: "percent", Meaning: "Annual percentage yield paid."},
		{Name: "interest_rate", Kind: Percent, Unit: "percent", Meaning: "Nominal interest rate."},
		{Name: "currency_code", Kind: Text, Unit: "ISO 4217", Meaning: "Currency of the account's amounts."},
		{Name: "day_payment_is_due", Kind: Int, Unit: "day of month", Meaning: "Day on which a payment is due each month."},
		{Name: "payment_due_at", Kind: Instant, Unit: "UTC", Meaning: "When the next payment is due."},
		{Name: "last_payment_at", Kind: Instant, Unit: "UTC", Meaning: "When the last payment was made."},
		{Name: "last_payment", Kind: Amount, Unit: "currency_code", Meaning: "Amount of the last payment."},
		{Name: "minimum_payment", Kind: Amount, Unit: "currency_code", Meaning: "Least that must be paid by payment_due_at."},
		{Name: "minimum_balance", Kind: Amount, Unit: "currency_code", Meaning: "Least that the account must hold."},
		{Name: "original_balance", Kind: Amount, Unit: "currency_code", Meaning: "Balance of a loan when it began; always positive."},
		{Name: "payoff_balance", Kind: Amount, Unit: "currency_code", Meaning: "What would end the loan today."},
		{Name: "started_on", Kind: Day, Meaning: "Day on which the account or loan began."},
		{Name: "matures_on", Kind: Day, Meaning: "Day on which it ends."},
		{Name: "is_closed", Kind: Bool, Meaning: "True once the account is closed; it stays listed and is no longer updated."},
		{Name: "created_at", Kind: Instant, Unit: "UTC", Meaning: "When MX first stored the account."},
		{Name: "updated_at", Kind: Instant, Unit: "UTC", Meaning: "When MX last changed what it stores of the account."},
	})

// Transactions is the movements on accounts.
var Transactions = newTable("transactions",
	"One row per transaction in the snapshot's window.",
	[]string{"user_guid", "account_guid", "date", "guid"}, []Column{
		{Name: "guid", Kind: Text, Required: true, Meaning: "MX's id of the transaction. A pending one usually gets a new guid when it posts."},
		{Name: "account_guid", Kind: Text, Required: true, Meaning: "The account that the money moved on."},
		{Name: "member_guid", Kind: Text, Meaning: "The member that the account belongs to."},
		{Name: "user_guid", Kind: Text, Required: true, Meaning: "The user that the account belongs to."},
		{Name: "amount", Kind: Amount, Unit: "currency_code", Meaning: "How much moved, without a sign: type gives the direction."},
		{Name: "type", Kind: Text, Meaning: "CREDIT: money into the account. DEBIT: money out of it."},
		{Name: "status", Kind: Text, Meaning: "PENDING or POSTED."},
		{Name: "date", Kind: Day, Meaning: "The day that the window filters on: that of transacted_at, else of posted_at. Null only where the API served no date."},
		{Name: "transacted_at", Kind: Instant, Unit: "UTC", Meaning: "When it happened; the time of day is often a filler such as noon."},
		{Name: "posted_at", Kind: Instant, Unit: "UTC", Meaning: "When the institution booked it."},
		{Name: "created_at", Kind: Instant, Unit: "UTC", Meaning: "When MX first stored the transaction."},
		{Name: "updated_at", Kind: Instant, Unit: "UTC", Meaning: "When MX last changed what it stores of it; a new category is enough."},
		{Name: "description", Kind: Text, Personal: true, Meaning: "Payee as MX cleaned it; may change later."},
		{Name: "original_description", Kind: Text, Personal: true, Meaning: "Payee as the institution wrote it."},
		{Name: "memo", Kind: Text, Personal: true, Meaning: "Further text of the institution."},
		{Name: "category", Kind: Text, Meaning: "MX's category; may change later."},
		{Name: "top_level_category", Kind: Text, Meaning: "The group of categories it belongs to."},
		{Name: "currency_code", Kind: Text, Unit: "ISO 4217", Meaning: "Currency of amount."},
		{Name: "check_number", Kind: Int, Meaning: "Number of the check without its leading zeros; superseded by check_number_string."},
		{Name: "check_number_string", Kind: Text, Meaning: "Number of the check as printed."},
		{Name: "merchant_guid", Kind: Text, Meaning: "MX's id of the merchant."},
		{Name: "merchant_location_guid", Kind: Text, Meaning: "MX's id of the merchant's place of business."},
		{Name: "merchant_category_code", Kind: Int, Unit: "ISO 18245", Meaning: "Trade of the merchant."},
		{Name: "latitude", Kind: Float, Personal: true, Unit: "degrees north", Meaning: "Where it happened."},
		{Name: "longitude", Kind: Float, Personal: true, Unit: "degrees east", Meaning: "Where it happened."},
		{Name: "is_bill_pay", Kind: Bool, Meaning: "MX takes it for a payment made through a bill-pay service."},
		{Name: "is_direct_deposit", Kind: Bool, Meaning: "MX takes it for a direct deposit."},
		{Name: "is_expense", Kind: Bool, Meaning: "MX counts it as an expense."},
		{Name: "is_fee", Kind: Bool, Meaning: "MX takes it for a fee."},
		{Name: "is_income", Kind: Bool, Meaning: "MX counts it as income."},
		{Name: "is_international", Kind: Bool, Meaning: "MX takes it for a transaction abroad."},
		{Name: "is_overdraft_fee", Kind: Bool, Meaning: "MX takes it for an overdraft fee."},
		{Name: "is_payroll_advance", Kind: Bool, Meaning: "MX takes it for an advance on wages."},
		{Name: "is_subscription", Kind: Bool, Meaning: "MX takes it for a subscription."},
		{Name: "id", Kind: Text, Meaning: "Id given by the institution's feed; served by some versions only."},
	})

// AccountOwners is the people who own accounts.
var AccountOwners = newTable("account_owners",
	"One row per owner of an account, as the institution names them; a joint account has several.",
	[]string{"user_guid", "member_guid", "account_guid", "guid"}, []Column{
		{Name: "guid", Kind: Text, Meaning: "MX's id of the owner record; not every version serves one."},
		{Name: "account_guid", Kind: Text, Meaning: "The account owned."},
		{Name: "member_guid", Kind: Text, Required: true, Meaning: "The member that the account belongs to."},
		{Name: "user_guid", Kind: Text, Required: true, Meaning: "The user that the member belongs to, who need not be the owner."},
		{Name: "owner_name", Kind: Text, Personal: true, Meaning: "Name of the owner in one piece."},
		{Name: "address", Kind: Text, Personal: true, Meaning: "Street and number."},
		{Name: "city", Kind: Text, Personal: true, Meaning: "City."},
		{Name: "state", Kind: Text, Personal: true, Meaning: "State, as a code or in full."},
		{Name: "postal_code", Kind: Text, Personal: true, Meaning: "Postal code."},
		{Name: "country", Kind: Text, Personal: true, Meaning: "Country, as a code or in full."},
		{Name: "email", Kind: Text, Personal: true, Meaning: "E-mail address."},
		{Name: "phone", Kind: Text, Personal: true, Meaning: "Telephone number."},
		{Name: "first_name", Kind: Text, Personal: true, Meaning: "First name; null unless MX splits names for the client."},
		{Name: "last_name", Kind: Text, Personal: true, Meaning: "Last name; null unless MX splits names for the client."},
	})

// Institutions is the banks and other institutions that members refer to.
var Institutions = newTable("institutions",
	"One row per institution, by default those that the snapshot's members are connected to.",
	[]string{"code"}, []Column{
		{Name: "code", Kind: Text, Required: true, Meaning: "MX's code of the institution."},
		{Name: "name", Kind: Text, Meaning: "Name of the institution."},
		{Name: "url", Kind: Text, Meaning: "Its web site."},
		{Name: "small_logo_url", Kind: Text, Meaning: "Address of a small logo."},
		{Name: "medium_logo_url", Kind: Text, Meaning: "Address of a larger logo."},
		{Name: "supports_account_identification", Kind: Bool, Meaning: "Account owners can be asked for."},
		{Name: "supports_account_statement", Kind: Bool, Meaning: "Statements can be fetched."},
		{Name: "supports_account_verification", Kind: Bool, Meaning: "Account and routing numbers can be asked for."},
		{Name: "supports_transaction_history", Kind: Bool, Meaning: "More history than the usual can be fetched."},
		{Name: "supports_oauth", Kind: Bool, Meaning: "Connections go through the institution's OAuth pages."},
	})

// Coverage is what an export looked at: the proof behind every absence.
var Coverage = newTable("coverage",
	"One row per walk: one list read from its first page to its last, or one status or record read. A row that is absent from a table is evidence only under a complete walk.",
	[]string{"user_guid", "member_guid", "account_guid", "resource"}, []Column{
		{Name: "user_guid", Kind: Text, Source: "tallyport", Meaning: "The user walked; null for walks that belong to no user."},
		{Name: "member_guid", Kind: Text, Source: "tallyport", Meaning: "The member walked; null where the walk covers all of a user's."},
		{Name: "account_guid", Kind: Text, Source: "tallyport", Meaning: "The account walked, for lists that are read per account."},
		{Name: "resource", Kind: Text, Required: true, Source: "tallyport", Meaning: "users, members, member_status, accounts, transactions, account_owners or institutions."},
		{Name: "from_date", Kind: Day, Source: "tallyport", Meaning: "First day of the window asked for, included."},
		{Name: "to_date", Kind: Day, Source: "tallyport", Meaning: "Last day of the window asked for, included."},
		{Name: "page_size_asked", Kind: Int, Unit: "records", Source: "tallyport", Meaning: "records_per_page of the last request."},
		{Name: "page_size_echoed", Kind: Int, Unit: "records", Source: "pagination.per_page", Meaning: "What the API said it honoured; null if it did not say."},
		{Name: "pages", Kind: Int, Unit: "pages", Source: "tallyport", Meaning: "Pages read in the last try."},
		{Name: "rows", Kind: Int, Unit: "rows", Source: "tallyport", Meaning: "Records received in the last try."},
		{Name: "distinct_guids", Kind: Int, Source: "tallyport", Meaning: "Distinct guids among them."},
		{Name: "repeated_guids", Kind: Int, Source: "tallyport", Meaning: "Records whose guid had been seen before in the same try."},
		{Name: "total_entries_first", Kind: Int, Unit: "rows", Source: "pagination.total_entries", Meaning: "Size of the list as its first page stated it."},
		{Name: "total_entries_last", Kind: Int, Unit: "rows", Source: "pagination.total_entries", Meaning: "Size of the list as the last answer of the walk stated it."},
		{Name: "http_status", Kind: Int, Source: "tallyport", Meaning: "HTTP status of the last answer; null if there was none."},
		{Name: "tries", Kind: Int, Source: "tallyport", Meaning: "Times the walk was begun."},
		{Name: "aggregated_at_before", Kind: Instant, Unit: "UTC", Source: "member.aggregated_at", Meaning: "As the member's status had it before the walk."},
		{Name: "aggregated_at_after", Kind: Instant, Unit: "UTC", Source: "member.aggregated_at", Meaning: "As the member's status had it after the walk."},
		{Name: "successfully_aggregated_at_before", Kind: Instant, Unit: "UTC", Source: "member.successfully_aggregated_at", Meaning: "As the member's status had it before the walk."},
		{Name: "successfully_aggregated_at_after", Kind: Instant, Unit: "UTC", Source: "member.successfully_aggregated_at", Meaning: "As the member's status had it after the walk."},
		{Name: "is_being_aggregated_before", Kind: Bool, Source: "member.is_being_aggregated", Meaning: "As the member's status had it before the walk."},
		{Name: "is_being_aggregated_after", Kind: Bool, Source: "member.is_being_aggregated", Meaning: "As the member's status had it after the walk."},
		{Name: "connection_status_before", Kind: Text, Source: "member.connection_status", Meaning: "As the member's status had it before the walk."},
		{Name: "connection_status_after", Kind: Text, Source: "member.connection_status", Meaning: "As the member's status had it after the walk."},
		{Name: "observed_at", Kind: Instant, Unit: "UTC", Source: "Date header", Meaning: "The server's clock at the last answer of the walk."},
		{Name: "unfit_values", Kind: Int, Source: "tallyport", Meaning: "Values that did not fit their column: null there, kept in extra."},
		{Name: "complete", Kind: Bool, Required: true, Source: "tallyport", Meaning: "True if the walk saw the whole list, standing still."},
		{Name: "reason", Kind: Text, Source: "tallyport", Meaning: "Why not, in one word; null when complete."},
	})

// Findings is what reconcile says is wrong. Columns and order are those of
// findings.csv.
var Findings = newReport("findings",
	"One row per finding of a report: what was wrong on that night, and what that night put right.",
	[]string{"id"}, []Column{
		{Name: "id", Kind: Text, Required: true, Meaning: "F- and a digest: the same for as long as the same thing is wrong, and after a rebuild."},
		{Name: "kind", Kind: Text, Required: true, Meaning: "What is wrong: missing_transaction, stale_member, institution_outage … (FORMAT.md)."},
		{Name: "code", Kind: Text, Required: true, Meaning: "Why it is thought to be that, e.g. Z1, S4 (FORMAT.md); may change while the id does not."},
		{Name: "verdict", Kind: Text, Required: true, Meaning: "What follows: ticket, review or notice."},
		{Name: "issue_type", Kind: Text, Required: true, Meaning: "Kind of ticket in MX's support: failed_update, aggregation, mfa, credentials, fi_website or none."},
		{Name: "state", Kind: Text, Required: true, Meaning: "candidate, open, submitted, escalated, suppressed, recovered, explained or expired."},
		{Name: "ticket_id", Kind: Text, Meaning: "T- and a digest: the ticket that carries the finding."},
		{Name: "user_guid", Kind: Text, Source: "user.guid", Meaning: "The user whom it is about."},
		{Name: "member_guid", Kind: Text, Source: "member.guid", Meaning: "The member that it is about."},
		{Name: "account_guid", Kind: Text, Source: "account.guid", Meaning: "The account that it is about."},
		{Name: "transaction_guid", Kind: Text, Source: "transaction.guid", Meaning: "The transaction that it is about."},
		{Name: "institution_code", Kind: Text, Source: "member.institution_code", Meaning: "The institution that it is about; code in institutions."},
		{Name: "date", Kind: Day, Source: "transaction.date", Meaning: "Date of the transaction. Of one that was never seen, the day of the aggregation that should have brought it."},
		{Name: "amount", Kind: Amount, Unit: "currency of the account", Source: "transaction.amount", Meaning: "Amount of the transaction, without a sign: type gives the direction."},
		{Name: "type", Kind: Text, Source: "transaction.type", Meaning: "CREDIT: money into the account. DEBIT: money out of it."},
		{Name: "payee", Kind: Text, Personal: true, Source: "transaction.description", Meaning: "Payee of the transaction, as it came: findings.csv may have an apostrophe in front."},
		{Name: "first_snapshot", Kind: Text, Required: true, Unit: "snapshot id", Meaning: "The snapshot in which it was first true."},
		{Name: "last_snapshot", Kind: Text, Required: true, Unit: "snapshot id", Meaning: "The last one in which it was true."},
		{Name: "last_good_snapshot", Kind: Text, Unit: "snapshot id", Meaning: "The last one in which the row was there."},
		{Name: "evidence", Kind: Text, Required: true, Personal: true, Unit: "JSON object", Meaning: "The facts that the verdict rests on, by name."},
		{Name: "missing_inputs", Kind: Text, Required: true, Unit: "JSON array of texts", Meaning: "What MX's support will ask for and only a person can add."},
	})

// Changes is every change of a night. Columns and order are those of
// changes.csv.
var Changes = newReport("changes",
	"One row per transaction that was added, removed or amended since its member's last complete look, and one per member that was not looked at.",
	[]string{"user_guid", "account_guid", "date", "transaction_guid"}, []Column{
		{Name: "change", Kind: Text, Required: true, Meaning: "added, removed, amended or not_looked_at."},
		{Name: "code", Kind: Text, Required: true, Meaning: "Why, e.g. P2: the pending row posted under a new guid (FORMAT.md)."},
		{Name: "verdict", Kind: Text, Required: true, Meaning: "ticket, review, benign: there is a reason and nothing is wrong, or unknown: nobody looked."},
		{Name: "user_guid", Kind: Text, Required: true, Source: "user.guid", Meaning: "The user whose transaction it is."},
		{Name: "member_guid", Kind: Text, Source: "member.guid", Meaning: "The member, also of one that was not looked at."},
		{Name: "account_guid", Kind: Text, Source: "account.guid", Meaning: "The account."},
		{Name: "transaction_guid", Kind: Text, Source: "transaction.guid", Meaning: "The transaction; null for a member that was not looked at."},
		{Name: "counterpart_guid", Kind: Text, Source: "transaction.guid", Meaning: "The transaction that took its place, or whose place it took."},
		{Name: "date", Kind: Day, Source: "transaction.date", Meaning: "Date of the transaction."},
		{Name: "amount", Kind: Amount, Unit: "currency of the account", Source: "transaction.amount", Meaning: "Amount of the transaction, without a sign: type gives the direction."},
		{Name: "type", Kind: Text, Source: "transaction.type", Meaning: "CREDIT: money into the account. DEBIT: money out of it."},
		{Name: "status", Kind: Text, Source: "transaction.status", Meaning: "PENDING or POSTED."},
		{Name: "finding_id", Kind: Text, Meaning: "The finding of that night about it; id in findings."},
	})
