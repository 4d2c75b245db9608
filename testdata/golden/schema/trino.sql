-- One row per user of the client: a person in the client's own system.
CREATE TABLE IF NOT EXISTS "users" (
  "guid" VARCHAR NOT NULL COMMENT 'MX''s id of the user.',
  "identifier" VARCHAR COMMENT 'The client''s own id of the user; null when the client gave none.',
  "is_disabled" BOOLEAN COMMENT 'True while the user is disabled: nothing is aggregated and MX may withhold the data.',
  "metadata" VARCHAR COMMENT 'Opaque text that the client stored with the user, often JSON inside the string.',
  "extra" VARCHAR COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  "row_hash" BIGINT NOT NULL COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  "snapshot_at" TIMESTAMP(6) WITH TIME ZONE NOT NULL COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
);

-- One row per member: one user's connection to one institution.
CREATE TABLE IF NOT EXISTS "members" (
  "guid" VARCHAR NOT NULL COMMENT 'MX''s id of the member.',
  "user_guid" VARCHAR NOT NULL COMMENT 'The user that the member belongs to.',
  "identifier" VARCHAR COMMENT 'The client''s own id of the member.',
  "institution_code" VARCHAR COMMENT 'The institution connected to; code in institutions.',
  "name" VARCHAR COMMENT 'Display name of the institution.',
  "metadata" VARCHAR COMMENT 'Opaque text that the client stored with the member.',
  "aggregated_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'Start of the most recent job of any kind; says nothing about its success.',
  "successfully_aggregated_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'Last time a job succeeded; null before the first success. The age of the member''s data.',
  "is_being_aggregated" BOOLEAN COMMENT 'True if a job was running when the member was read.',
  "connection_status" VARCHAR COMMENT 'State of the connection: CONNECTED, CHALLENGED, DENIED …; null for members that never aggregate.',
  "status" VARCHAR COMMENT 'Older job state, still served beside connection_status.',
  "is_oauth" BOOLEAN COMMENT 'True if the connection is made through the institution''s OAuth pages.',
  "oauth_window_uri" VARCHAR COMMENT 'One-time address of those pages, where one is open.',
  "background_aggregation_is_disabled" BOOLEAN COMMENT 'True if the nightly job of MX is turned off for the member.',
  "extra" VARCHAR COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  "row_hash" BIGINT NOT NULL COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  "snapshot_at" TIMESTAMP(6) WITH TIME ZONE NOT NULL COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
);

-- One row per account at an institution.
CREATE TABLE IF NOT EXISTS "accounts" (
  "guid" VARCHAR NOT NULL COMMENT 'MX''s id of the account.',
  "member_guid" VARCHAR NOT NULL COMMENT 'The member that the account belongs to.',
  "user_guid" VARCHAR NOT NULL COMMENT 'The user that the account belongs to.',
  "institution_code" VARCHAR COMMENT 'The institution that keeps the account.',
  "name" VARCHAR COMMENT 'Display name of the account.',
  "account_number" VARCHAR COMMENT 'Account number, usually masked or partial.',
  "type" VARCHAR COMMENT 'CHECKING, SAVINGS, CREDIT_CARD, LOAN, INVESTMENT …; ANY where the feed gave nothing usable.',
  "subtype" VARCHAR COMMENT 'Finer type, e.g. MONEY_MARKET, AUTO; null and NONE mean the same.',
  "balance" DECIMAL(18,4) COMMENT 'Current balance, usually without pending transactions. Normally positive for every type: for debts it is what is owed.',
  "available_balance" DECIMAL(18,4) COMMENT 'What can be spent from an asset account, usually net of pending transactions.',
  "available_credit" DECIMAL(18,4) COMMENT 'What can still be drawn on a debt account.',
  "credit_limit" DECIMAL(18,4) COMMENT 'Most that may be owed.',
  "cash_balance" DECIMAL(18,4) COMMENT 'Cash held in an investment account.',
  "holdings_value" DECIMAL(18,4) COMMENT 'Value of the securities in an investment account.',
  "total_account_value" DECIMAL(18,4) COMMENT 'Cash and holdings of an investment account together.',
  "cash_surrender_value" DECIMAL(18,4) COMMENT 'What an insurance policy pays when it is given up.',
  "death_benefit" DECIMAL(18,4) COMMENT 'What an insurance policy pays on death.',
  "loan_amount" DECIMAL(18,4) COMMENT 'Amount lent, for loans and loans on insurance policies.',
  "pay_out_amount" DECIMAL(18,4) COMMENT 'What an insurance policy pays out.',
  "premium_amount" DECIMAL(18,4) COMMENT 'Premium of an insurance policy.',
  "insured_name" VARCHAR COMMENT 'Person that an insurance policy covers.',
  "apr" DECIMAL(18,8) COMMENT 'Annual percentage rate charged: 19.99 is 19.99 %.',
  "apy" DECIMAL(18,8) COMMENT 'Annual percentage yield paid.',
  "interest_rate" DECIMAL(18,8) COMMENT 'Nominal interest rate.',
  "currency_code" VARCHAR COMMENT 'Currency of the account''s amounts.',
  "day_payment_is_due" BIGINT COMMENT 'Day on which a payment is due each month.',
  "payment_due_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'When the next payment is due.',
  "last_payment_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'When the last payment was made.',
  "last_payment" DECIMAL(18,4) COMMENT 'Amount of the last payment.',
  "minimum_payment" DECIMAL(18,4) COMMENT 'Least that must be paid by payment_due_at.',
  "minimum_balance" DECIMAL(18,4) COMMENT 'Least that the account must hold.',
  "original_balance" DECIMAL(18,4) COMMENT 'Balance of a loan when it began; always positive.',
  "payoff_balance" DECIMAL(18,4) COMMENT 'What would end the loan today.',
  "started_on" DATE COMMENT 'Day on which the account or loan began.',
  "matures_on" DATE COMMENT 'Day on which it ends.',
  "is_closed" BOOLEAN COMMENT 'True once the account is closed; it stays listed and is no longer updated.',
  "created_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'When MX first stored the account.',
  "updated_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'When MX last changed what it stores of the account.',
  "extra" VARCHAR COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  "row_hash" BIGINT NOT NULL COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  "snapshot_at" TIMESTAMP(6) WITH TIME ZONE NOT NULL COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
);

-- One row per transaction in the snapshot's window.
CREATE TABLE IF NOT EXISTS "transactions" (
  "guid" VARCHAR NOT NULL COMMENT 'MX''s id of the transaction. A pending one usually gets a new guid when it posts.',
  "account_guid" VARCHAR NOT NULL COMMENT 'The account that the money moved on.',
  "member_guid" VARCHAR COMMENT 'The member that the account belongs to.',
  "user_guid" VARCHAR NOT NULL COMMENT 'The user that the account belongs to.',
  "amount" DECIMAL(18,4) COMMENT 'How much moved, without a sign: type gives the direction.',
  "type" VARCHAR COMMENT 'CREDIT: money into the account. DEBIT: money out of it.',
  "status" VARCHAR COMMENT 'PENDING or POSTED.',
  "date" DATE COMMENT 'The day that the window filters on: that of transacted_at, else of posted_at. Null only where the API served no date.',
  "transacted_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'When it happened; the time of day is often a filler such as noon.',
  "posted_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'When the institution booked it.',
  "created_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'When MX first stored the transaction.',
  "updated_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'When MX last changed what it stores of it; a new category is enough.',
  "description" VARCHAR COMMENT 'Payee as MX cleaned it; may change later.',
  "original_description" VARCHAR COMMENT 'Payee as the institution wrote it.',
  "memo" VARCHAR COMMENT 'Further text of the institution.',
  "category" VARCHAR COMMENT 'MX''s category; may change later.',
  "top_level_category" VARCHAR COMMENT 'The group of categories it belongs to.',
  "currency_code" VARCHAR COMMENT 'Currency of amount.',
  "check_number" BIGINT COMMENT 'Number of the check without its leading zeros; superseded by check_number_string.',
  "check_number_string" VARCHAR COMMENT 'Number of the check as printed.',
  "merchant_guid" VARCHAR COMMENT 'MX''s id of the merchant.',
  "merchant_location_guid" VARCHAR COMMENT 'MX''s id of the merchant''s place of business.',
  "merchant_category_code" BIGINT COMMENT 'Trade of the merchant.',
  "latitude" DOUBLE COMMENT 'Where it happened.',
  "longitude" DOUBLE COMMENT 'Where it happened.',
  "is_bill_pay" BOOLEAN COMMENT 'MX takes it for a payment made through a bill-pay service.',
  "is_direct_deposit" BOOLEAN COMMENT 'MX takes it for a direct deposit.',
  "is_expense" BOOLEAN COMMENT 'MX counts it as an expense.',
  "is_fee" BOOLEAN COMMENT 'MX takes it for a fee.',
  "is_income" BOOLEAN COMMENT 'MX counts it as income.',
  "is_international" BOOLEAN COMMENT 'MX takes it for a transaction abroad.',
  "is_overdraft_fee" BOOLEAN COMMENT 'MX takes it for an overdraft fee.',
  "is_payroll_advance" BOOLEAN COMMENT 'MX takes it for an advance on wages.',
  "is_subscription" BOOLEAN COMMENT 'MX takes it for a subscription.',
  "id" VARCHAR COMMENT 'Id given by the institution''s feed; served by some versions only.',
  "extra" VARCHAR COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  "row_hash" BIGINT NOT NULL COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  "snapshot_at" TIMESTAMP(6) WITH TIME ZONE NOT NULL COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
);

-- One row per owner of an account, as the institution names them; a joint account has several.
CREATE TABLE IF NOT EXISTS "account_owners" (
  "guid" VARCHAR COMMENT 'MX''s id of the owner record; not every version serves one.',
  "account_guid" VARCHAR COMMENT 'The account owned.',
  "member_guid" VARCHAR NOT NULL COMMENT 'The member that the account belongs to.',
  "user_guid" VARCHAR NOT NULL COMMENT 'The user that the member belongs to, who need not be the owner.',
  "owner_name" VARCHAR COMMENT 'Name of the owner in one piece.',
  "address" VARCHAR COMMENT 'Street and number.',
  "city" VARCHAR COMMENT 'City.',
  "state" VARCHAR COMMENT 'State, as a code or in full.',
  "postal_code" VARCHAR COMMENT 'Postal code.',
  "country" VARCHAR COMMENT 'Country, as a code or in full.',
  "email" VARCHAR COMMENT 'E-mail address.',
  "phone" VARCHAR COMMENT 'Telephone number.',
  "first_name" VARCHAR COMMENT 'First name; null unless MX splits names for the client.',
  "last_name" VARCHAR COMMENT 'Last name; null unless MX splits names for the client.',
  "extra" VARCHAR COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  "row_hash" BIGINT NOT NULL COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  "snapshot_at" TIMESTAMP(6) WITH TIME ZONE NOT NULL COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
);

-- One row per institution, by default those that the snapshot's members are connected to.
CREATE TABLE IF NOT EXISTS "institutions" (
  "code" VARCHAR NOT NULL COMMENT 'MX''s code of the institution.',
  "name" VARCHAR COMMENT 'Name of the institution.',
  "url" VARCHAR COMMENT 'Its web site.',
  "small_logo_url" VARCHAR COMMENT 'Address of a small logo.',
  "medium_logo_url" VARCHAR COMMENT 'Address of a larger logo.',
  "supports_account_identification" BOOLEAN COMMENT 'Account owners can be asked for.',
  "supports_account_statement" BOOLEAN COMMENT 'Statements can be fetched.',
  "supports_account_verification" BOOLEAN COMMENT 'Account and routing numbers can be asked for.',
  "supports_transaction_history" BOOLEAN COMMENT 'More history than the usual can be fetched.',
  "supports_oauth" BOOLEAN COMMENT 'Connections go through the institution''s OAuth pages.',
  "extra" VARCHAR COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  "row_hash" BIGINT NOT NULL COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  "snapshot_at" TIMESTAMP(6) WITH TIME ZONE NOT NULL COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
);

-- One row per walk: one list read from its first page to its last, or one status or record read. A row that is absent from a table is evidence only under a complete walk.
CREATE TABLE IF NOT EXISTS "coverage" (
  "user_guid" VARCHAR COMMENT 'The user walked; null for walks that belong to no user.',
  "member_guid" VARCHAR COMMENT 'The member walked; null where the walk covers all of a user''s.',
  "account_guid" VARCHAR COMMENT 'The account walked, for lists that are read per account.',
  "resource" VARCHAR NOT NULL COMMENT 'users, members, member_status, accounts, transactions, account_owners or institutions.',
  "from_date" DATE COMMENT 'First day of the window asked for, included.',
  "to_date" DATE COMMENT 'Last day of the window asked for, included.',
  "page_size_asked" BIGINT COMMENT 'records_per_page of the last request.',
  "page_size_echoed" BIGINT COMMENT 'What the API said it honoured; null if it did not say.',
  "pages" BIGINT COMMENT 'Pages read in the last try.',
  "rows" BIGINT COMMENT 'Records received in the last try.',
  "distinct_guids" BIGINT COMMENT 'Distinct guids among them.',
  "repeated_guids" BIGINT COMMENT 'Records whose guid had been seen before in the same try.',
  "total_entries_first" BIGINT COMMENT 'Size of the list as its first page stated it.',
  "total_entries_last" BIGINT COMMENT 'Size of the list as the last answer of the walk stated it.',
  "http_status" BIGINT COMMENT 'HTTP status of the last answer; null if there was none.',
  "tries" BIGINT COMMENT 'Times the walk was begun.',
  "aggregated_at_before" TIMESTAMP(6) WITH TIME ZONE COMMENT 'As the member''s status had it before the walk.',
  "aggregated_at_after" TIMESTAMP(6) WITH TIME ZONE COMMENT 'As the member''s status had it after the walk.',
  "successfully_aggregated_at_before" TIMESTAMP(6) WITH TIME ZONE COMMENT 'As the member''s status had it before the walk.',
  "successfully_aggregated_at_after" TIMESTAMP(6) WITH TIME ZONE COMMENT 'As the member''s status had it after the walk.',
  "is_being_aggregated_before" BOOLEAN COMMENT 'As the member''s status had it before the walk.',
  "is_being_aggregated_after" BOOLEAN COMMENT 'As the member''s status had it after the walk.',
  "connection_status_before" VARCHAR COMMENT 'As the member''s status had it before the walk.',
  "connection_status_after" VARCHAR COMMENT 'As the member''s status had it after the walk.',
  "observed_at" TIMESTAMP(6) WITH TIME ZONE COMMENT 'The server''s clock at the last answer of the walk.',
  "unfit_values" BIGINT COMMENT 'Values that did not fit their column: null there, kept in extra.',
  "complete" BOOLEAN NOT NULL COMMENT 'True if the walk saw the whole list, standing still.',
  "reason" VARCHAR COMMENT 'Why not, in one word; null when complete.',
  "extra" VARCHAR COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  "row_hash" BIGINT NOT NULL COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  "snapshot_at" TIMESTAMP(6) WITH TIME ZONE NOT NULL COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
);

-- One row per finding of a report: what was wrong on that night, and what that night put right.
CREATE TABLE IF NOT EXISTS "findings" (
  "id" VARCHAR NOT NULL COMMENT 'F- and a digest: the same for as long as the same thing is wrong, and after a rebuild.',
  "kind" VARCHAR NOT NULL COMMENT 'What is wrong: missing_transaction, stale_member, institution_outage … (FORMAT.md).',
  "code" VARCHAR NOT NULL COMMENT 'Why it is thought to be that, e.g. Z1, S4 (FORMAT.md); may change while the id does not.',
  "verdict" VARCHAR NOT NULL COMMENT 'What follows: ticket, review or notice.',
  "issue_type" VARCHAR NOT NULL COMMENT 'Kind of ticket in MX''s support: failed_update, aggregation, mfa, credentials, fi_website or none.',
  "state" VARCHAR NOT NULL COMMENT 'candidate, open, submitted, escalated, suppressed, recovered, explained or expired.',
  "ticket_id" VARCHAR COMMENT 'T- and a digest: the ticket that carries the finding.',
  "user_guid" VARCHAR COMMENT 'The user whom it is about.',
  "member_guid" VARCHAR COMMENT 'The member that it is about.',
  "account_guid" VARCHAR COMMENT 'The account that it is about.',
  "transaction_guid" VARCHAR COMMENT 'The transaction that it is about.',
  "institution_code" VARCHAR COMMENT 'The institution that it is about; code in institutions.',
  "date" DATE COMMENT 'Date of the transaction. Of one that was never seen, the day of the aggregation that should have brought it.',
  "amount" DECIMAL(18,4) COMMENT 'Amount of the transaction, without a sign: type gives the direction.',
  "type" VARCHAR COMMENT 'CREDIT: money into the account. DEBIT: money out of it.',
  "payee" VARCHAR COMMENT 'Payee of the transaction, as it came: findings.csv may have an apostrophe in front.',
  "first_snapshot" VARCHAR NOT NULL COMMENT 'The snapshot in which it was first true.',
  "last_snapshot" VARCHAR NOT NULL COMMENT 'The last one in which it was true.',
  "last_good_snapshot" VARCHAR COMMENT 'The last one in which the row was there.',
  "evidence" VARCHAR NOT NULL COMMENT 'The facts that the verdict rests on, by name.',
  "missing_inputs" VARCHAR NOT NULL COMMENT 'What MX''s support will ask for and only a person can add.'
);

-- One row per transaction that was added, removed or amended since its member's last complete look, and one per member that was not looked at.
CREATE TABLE IF NOT EXISTS "changes" (
  "change" VARCHAR NOT NULL COMMENT 'added, removed, amended or not_looked_at.',
  "code" VARCHAR NOT NULL COMMENT 'Why, e.g. P2: the pending row posted under a new guid (FORMAT.md).',
  "verdict" VARCHAR NOT NULL COMMENT 'ticket, review, benign: there is a reason and nothing is wrong, or unknown: nobody looked.',
  "user_guid" VARCHAR NOT NULL COMMENT 'The user whose transaction it is.',
  "member_guid" VARCHAR COMMENT 'The member, also of one that was not looked at.',
  "account_guid" VARCHAR COMMENT 'The account.',
  "transaction_guid" VARCHAR COMMENT 'The transaction; null for a member that was not looked at.',
  "counterpart_guid" VARCHAR COMMENT 'The transaction that took its place, or whose place it took.',
  "date" DATE COMMENT 'Date of the transaction.',
  "amount" DECIMAL(18,4) COMMENT 'Amount of the transaction, without a sign: type gives the direction.',
  "type" VARCHAR COMMENT 'CREDIT: money into the account. DEBIT: money out of it.',
  "status" VARCHAR COMMENT 'PENDING or POSTED.',
  "finding_id" VARCHAR COMMENT 'The finding of that night about it; id in findings.'
);

-- The newest snapshot of all users without gaps.
CREATE OR REPLACE VIEW "latest_complete_snapshot" AS
SELECT max("snapshot_at") AS "snapshot_at" FROM (
  SELECT "snapshot_at" FROM "coverage" GROUP BY "snapshot_at"
  HAVING sum(CASE WHEN "reason" IS NULL OR "reason" IN ('not_found', 'disabled') THEN 0 ELSE 1 END) = 0
    AND sum(CASE WHEN "resource" = 'users' AND "user_guid" IS NULL THEN 1 ELSE 0 END) > 0
) AS complete_snapshots;

-- The newest snapshot of all users, with gaps or without.
CREATE OR REPLACE VIEW "latest_snapshot" AS
SELECT max("snapshot_at") AS "snapshot_at" FROM "coverage"
WHERE "resource" = 'users' AND "user_guid" IS NULL;

CREATE OR REPLACE VIEW "users_latest" AS
SELECT t.* FROM "users" AS t
JOIN "latest_complete_snapshot" AS l ON t."snapshot_at" = l."snapshot_at";

CREATE OR REPLACE VIEW "members_latest" AS
SELECT t.* FROM "members" AS t
JOIN "latest_complete_snapshot" AS l ON t."snapshot_at" = l."snapshot_at";

CREATE OR REPLACE VIEW "accounts_latest" AS
SELECT t.* FROM "accounts" AS t
JOIN "latest_complete_snapshot" AS l ON t."snapshot_at" = l."snapshot_at";

CREATE OR REPLACE VIEW "transactions_latest" AS
SELECT t.* FROM "transactions" AS t
JOIN "latest_complete_snapshot" AS l ON t."snapshot_at" = l."snapshot_at";

CREATE OR REPLACE VIEW "account_owners_latest" AS
SELECT t.* FROM "account_owners" AS t
JOIN "latest_complete_snapshot" AS l ON t."snapshot_at" = l."snapshot_at";

CREATE OR REPLACE VIEW "institutions_latest" AS
SELECT t.* FROM "institutions" AS t
JOIN "latest_complete_snapshot" AS l ON t."snapshot_at" = l."snapshot_at";

CREATE OR REPLACE VIEW "coverage_latest" AS
SELECT t.* FROM "coverage" AS t
JOIN "latest_complete_snapshot" AS l ON t."snapshot_at" = l."snapshot_at";

