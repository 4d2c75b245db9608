-- One row per user of the client: a person in the client's own system.
CREATE TABLE IF NOT EXISTS "users" (
  "guid" text NOT NULL,
  "identifier" text,
  "is_disabled" boolean,
  "metadata" text,
  "extra" text,
  "row_hash" bigint NOT NULL,
  "snapshot_at" timestamptz NOT NULL
);
COMMENT ON COLUMN "users"."guid" IS 'MX''s id of the user.';
COMMENT ON COLUMN "users"."identifier" IS 'The client''s own id of the user; null when the client gave none.';
COMMENT ON COLUMN "users"."is_disabled" IS 'True while the user is disabled: nothing is aggregated and MX may withhold the data.';
COMMENT ON COLUMN "users"."metadata" IS 'Opaque text that the client stored with the user, often JSON inside the string.';
COMMENT ON COLUMN "users"."extra" IS 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).';
COMMENT ON COLUMN "users"."row_hash" IS '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.';
COMMENT ON COLUMN "users"."snapshot_at" IS 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.';

-- One row per member: one user's connection to one institution.
CREATE TABLE IF NOT EXISTS "members" (
  "guid" text NOT NULL,
  "user_guid" text NOT NULL,
  "identifier" text,
  "institution_code" text,
  "name" text,
  "metadata" text,
  "aggregated_at" timestamptz,
  "successfully_aggregated_at" timestamptz,
  "is_being_aggregated" boolean,
  "connection_status" text,
  "status" text,
  "is_oauth" boolean,
  "oauth_window_uri" text,
  "background_aggregation_is_disabled" boolean,
  "extra" text,
  "row_hash" bigint NOT NULL,
  "snapshot_at" timestamptz NOT NULL
);
COMMENT ON COLUMN "members"."guid" IS 'MX''s id of the member.';
COMMENT ON COLUMN "members"."user_guid" IS 'The user that the member belongs to.';
COMMENT ON COLUMN "members"."identifier" IS 'The client''s own id of the member.';
COMMENT ON COLUMN "members"."institution_code" IS 'The institution connected to; code in institutions.';
COMMENT ON COLUMN "members"."name" IS 'Display name of the institution.';
COMMENT ON COLUMN "members"."metadata" IS 'Opaque text that the client stored with the member.';
COMMENT ON COLUMN "members"."aggregated_at" IS 'Start of the most recent job of any kind; says nothing about its success.';
COMMENT ON COLUMN "members"."successfully_aggregated_at" IS 'Last time a job succeeded; null before the first success. The age of the member''s data.';
COMMENT ON COLUMN "members"."is_being_aggregated" IS 'True if a job was running when the member was read.';
COMMENT ON COLUMN "members"."connection_status" IS 'State of the connection: CONNECTED, CHALLENGED, DENIED …; null for members that never aggregate.';
COMMENT ON COLUMN "members"."status" IS 'Older job state, still served beside connection_status.';
COMMENT ON COLUMN "members"."is_oauth" IS 'True if the connection is made through the institution''s OAuth pages.';
COMMENT ON COLUMN "members"."oauth_window_uri" IS 'One-time address of those pages, where one is open.';
COMMENT ON COLUMN "members"."background_aggregation_is_disabled" IS 'True if the nightly job of MX is turned off for the member.';
COMMENT ON COLUMN "members"."extra" IS 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).';
COMMENT ON COLUMN "members"."row_hash" IS '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.';
COMMENT ON COLUMN "members"."snapshot_at" IS 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.';

-- One row per account at an institution.
CREATE TABLE IF NOT EXISTS "accounts" (
  "guid" text NOT NULL,
  "member_guid" text NOT NULL,
  "user_guid" text NOT NULL,
  "institution_code" text,
  "name" text,
  "account_number" text,
  "type" text,
  "subtype" text,
  "balance" numeric(18,4),
  "available_balance" numeric(18,4),
  "available_credit" numeric(18,4),
  "credit_limit" numeric(18,4),
  "cash_balance" numeric(18,4),
  "holdings_value" numeric(18,4),
  "total_account_value" numeric(18,4),
  "cash_surrender_value" numeric(18,4),
  "death_benefit" numeric(18,4),
  "loan_amount" numeric(18,4),
  "pay_out_amount" numeric(18,4),
  "premium_amount" numeric(18,4),
  "insured_name" text,
  "apr" numeric(18,8),
  "apy" numeric(18,8),
  "interest_rate" numeric(18,8),
  "currency_code" text,
  "day_payment_is_due" bigint,
  "payment_due_at" timestamptz,
  "last_payment_at" timestamptz,
  "last_payment" numeric(18,4),
  "minimum_payment" numeric(18,4),
  "minimum_balance" numeric(18,4),
  "original_balance" numeric(18,4),
  "payoff_balance" numeric(18,4),
  "started_on" date,
  "matures_on" date,
  "is_closed" boolean,
  "created_at" timestamptz,
  "updated_at" timestamptz,
  "extra" text,
  "row_hash" bigint NOT NULL,
  "snapshot_at" timestamptz NOT NULL
);
COMMENT ON COLUMN "accounts"."guid" IS 'MX''s id of the account.';
COMMENT ON COLUMN "accounts"."member_guid" IS 'The member that the account belongs to.';
COMMENT ON COLUMN "accounts"."user_guid" IS 'The user that the account belongs to.';
COMMENT ON COLUMN "accounts"."institution_code" IS 'The institution that keeps the account.';
COMMENT ON COLUMN "accounts"."name" IS 'Display name of the account.';
COMMENT ON COLUMN "accounts"."account_number" IS 'Account number, usually masked or partial.';
COMMENT ON COLUMN "accounts"."type" IS 'CHECKING, SAVINGS, CREDIT_CARD, LOAN, INVESTMENT …; ANY where the feed gave nothing usable.';
COMMENT ON COLUMN "accounts"."subtype" IS 'Finer type, e.g. MONEY_MARKET, AUTO; null and NONE mean the same.';
COMMENT ON COLUMN "accounts"."balance" IS 'Current balance, usually without pending transactions. Normally positive for every type: for debts it is what is owed.';
COMMENT ON COLUMN "accounts"."available_balance" IS 'What can be spent from an asset account, usually net of pending transactions.';
COMMENT ON COLUMN "accounts"."available_credit" IS 'What can still be drawn on a debt account.';
COMMENT ON COLUMN "accounts"."credit_limit" IS 'Most that may be owed.';
COMMENT ON COLUMN "accounts"."cash_balance" IS 'Cash held in an investment account.';
COMMENT ON COLUMN "accounts"."holdings_value" IS 'Value of the securities in an investment account.';
COMMENT ON COLUMN "accounts"."total_account_value" IS 'Cash and holdings of an investment account together.';
COMMENT ON COLUMN "accounts"."cash_surrender_value" IS 'What an insurance policy pays when it is given up.';
COMMENT ON COLUMN "accounts"."death_benefit" IS 'What an insurance policy pays on death.';
COMMENT ON COLUMN "accounts"."loan_amount" IS 'Amount lent, for loans and loans on insurance policies.';
COMMENT ON COLUMN "accounts"."pay_out_amount" IS 'What an insurance policy pays out.';
COMMENT ON COLUMN "accounts"."premium_amount" IS 'Premium of an insurance policy.';
COMMENT ON COLUMN "accounts"."insured_name" IS 'Person that an insurance policy covers.';
COMMENT ON COLUMN "accounts"."apr" IS 'Annual percentage rate charged: 19.99 is 19.99 %.';
COMMENT ON COLUMN "accounts"."apy" IS 'Annual percentage yield paid.';
COMMENT ON COLUMN "accounts"."interest_rate" IS 'Nominal interest rate.';
COMMENT ON COLUMN "accounts"."currency_code" IS 'Currency of the account''s amounts.';
COMMENT ON COLUMN "accounts"."day_payment_is_due" IS 'Day on which a payment is due each month.';
COMMENT ON COLUMN "accounts"."payment_due_at" IS 'When the next payment is due.';
COMMENT ON COLUMN "accounts"."last_payment_at" IS 'When the last payment was made.';
COMMENT ON COLUMN "accounts"."last_payment" IS 'Amount of the last payment.';
COMMENT ON COLUMN "accounts"."minimum_payment" IS 'Least that must be paid by payment_due_at.';
COMMENT ON COLUMN "accounts"."minimum_balance" IS 'Least that the account must hold.';
COMMENT ON COLUMN "accounts"."original_balance" IS 'Balance of a loan when it began; always positive.';
COMMENT ON COLUMN "accounts"."payoff_balance" IS 'What would end the loan today.';
COMMENT ON COLUMN "accounts"."started_on" IS 'Day on which the account or loan began.';
COMMENT ON COLUMN "accounts"."matures_on" IS 'Day on which it ends.';
COMMENT ON COLUMN "accounts"."is_closed" IS 'True once the account is closed; it stays listed and is no longer updated.';
COMMENT ON COLUMN "accounts"."created_at" IS 'When MX first stored the account.';
COMMENT ON COLUMN "accounts"."updated_at" IS 'When MX last changed what it stores of the account.';
COMMENT ON COLUMN "accounts"."extra" IS 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).';
COMMENT ON COLUMN "accounts"."row_hash" IS '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.';
COMMENT ON COLUMN "accounts"."snapshot_at" IS 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.';

-- One row per transaction in the snapshot's window.
CREATE TABLE IF NOT EXISTS "transactions" (
  "guid" text NOT NULL,
  "account_guid" text NOT NULL,
  "member_guid" text,
  "user_guid" text NOT NULL,
  "amount" numeric(18,4),
  "type" text,
  "status" text,
  "date" date,
  "transacted_at" timestamptz,
  "posted_at" timestamptz,
  "created_at" timestamptz,
  "updated_at" timestamptz,
  "description" text,
  "original_description" text,
  "memo" text,
  "category" text,
  "top_level_category" text,
  "currency_code" text,
  "check_number" bigint,
  "check_number_string" text,
  "merchant_guid" text,
  "merchant_location_guid" text,
  "merchant_category_code" bigint,
  "latitude" double precision,
  "longitude" double precision,
  "is_bill_pay" boolean,
  "is_direct_deposit" boolean,
  "is_expense" boolean,
  "is_fee" boolean,
  "is_income" boolean,
  "is_international" boolean,
  "is_overdraft_fee" boolean,
  "is_payroll_advance" boolean,
  "is_subscription" boolean,
  "id" text,
  "extra" text,
  "row_hash" bigint NOT NULL,
  "snapshot_at" timestamptz NOT NULL
);
COMMENT ON COLUMN "transactions"."guid" IS 'MX''s id of the transaction. A pending one usually gets a new guid when it posts.';
COMMENT ON COLUMN "transactions"."account_guid" IS 'The account that the money moved on.';
COMMENT ON COLUMN "transactions"."member_guid" IS 'The member that the account belongs to.';
COMMENT ON COLUMN "transactions"."user_guid" IS 'The user that the account belongs to.';
COMMENT ON COLUMN "transactions"."amount" IS 'How much moved, without a sign: type gives the direction.';
COMMENT ON COLUMN "transactions"."type" IS 'CREDIT: money into the account. DEBIT: money out of it.';
COMMENT ON COLUMN "transactions"."status" IS 'PENDING or POSTED.';
COMMENT ON COLUMN "transactions"."date" IS 'The day that the window filters on: that of transacted_at, else of posted_at. Null only where the API served no date.';
COMMENT ON COLUMN "transactions"."transacted_at" IS 'When it happened; the time of day is often a filler such as noon.';
COMMENT ON COLUMN "transactions"."posted_at" IS 'When the institution booked it.';
COMMENT ON COLUMN "transactions"."created_at" IS 'When MX first stored the transaction.';
COMMENT ON COLUMN "transactions"."updated_at" IS 'When MX last changed what it stores of it; a new category is enough.';
COMMENT ON COLUMN "transactions"."description" IS 'Payee as MX cleaned it; may change later.';
COMMENT ON COLUMN "transactions"."original_description" IS 'Payee as the institution wrote it.';
COMMENT ON COLUMN "transactions"."memo" IS 'Further text of the institution.';
COMMENT ON COLUMN "transactions"."category" IS 'MX''s category; may change later.';
COMMENT ON COLUMN "transactions"."top_level_category" IS 'The group of categories it belongs to.';
COMMENT ON COLUMN "transactions"."currency_code" IS 'Currency of amount.';
COMMENT ON COLUMN "transactions"."check_number" IS 'Number of the check without its leading zeros; superseded by check_number_string.';
COMMENT ON COLUMN "transactions"."check_number_string" IS 'Number of the check as printed.';
COMMENT ON COLUMN "transactions"."merchant_guid" IS 'MX''s id of the merchant.';
COMMENT ON COLUMN "transactions"."merchant_location_guid" IS 'MX''s id of the merchant''s place of business.';
COMMENT ON COLUMN "transactions"."merchant_category_code" IS 'Trade of the merchant.';
COMMENT ON COLUMN "transactions"."latitude" IS 'Where it happened.';
COMMENT ON COLUMN "transactions"."longitude" IS 'Where it happened.';
COMMENT ON COLUMN "transactions"."is_bill_pay" IS 'MX takes it for a payment made through a bill-pay service.';
COMMENT ON COLUMN "transactions"."is_direct_deposit" IS 'MX takes it for a direct deposit.';
COMMENT ON COLUMN "transactions"."is_expense" IS 'MX counts it as an expense.';
COMMENT ON COLUMN "transactions"."is_fee" IS 'MX takes it for a fee.';
COMMENT ON COLUMN "transactions"."is_income" IS 'MX counts it as income.';
COMMENT ON COLUMN "transactions"."is_international" IS 'MX takes it for a transaction abroad.';
COMMENT ON COLUMN "transactions"."is_overdraft_fee" IS 'MX takes it for an overdraft fee.';
COMMENT ON COLUMN "transactions"."is_payroll_advance" IS 'MX takes it for an advance on wages.';
COMMENT ON COLUMN "transactions"."is_subscription" IS 'MX takes it for a subscription.';
COMMENT ON COLUMN "transactions"."id" IS 'Id given by the institution''s feed; served by some versions only.';
COMMENT ON COLUMN "transactions"."extra" IS 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).';
COMMENT ON COLUMN "transactions"."row_hash" IS '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.';
COMMENT ON COLUMN "transactions"."snapshot_at" IS 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.';

-- One row per owner of an account, as the institution names them; a joint account has several.
CREATE TABLE IF NOT EXISTS "account_owners" (
  "guid" text,
  "account_guid" text,
  "member_guid" text NOT NULL,
  "user_guid" text NOT NULL,
  "owner_name" text,
  "address" text,
  "city" text,
  "state" text,
  "postal_code" text,
  "country" text,
  "email" text,
  "phone" text,
  "first_name" text,
  "last_name" text,
  "extra" text,
  "row_hash" bigint NOT NULL,
  "snapshot_at" timestamptz NOT NULL
);
COMMENT ON COLUMN "account_owners"."guid" IS 'MX''s id of the owner record; not every version serves one.';
COMMENT ON COLUMN "account_owners"."account_guid" IS 'The account owned.';
COMMENT ON COLUMN "account_owners"."member_guid" IS 'The member that the account belongs to.';
COMMENT ON COLUMN "account_owners"."user_guid" IS 'The user that the member belongs to, who need not be the owner.';
COMMENT ON COLUMN "account_owners"."owner_name" IS 'Name of the owner in one piece.';
COMMENT ON COLUMN "account_owners"."address" IS 'Street and number.';
COMMENT ON COLUMN "account_owners"."city" IS 'City.';
COMMENT ON COLUMN "account_owners"."state" IS 'State, as a code or in full.';
COMMENT ON COLUMN "account_owners"."postal_code" IS 'Postal code.';
COMMENT ON COLUMN "account_owners"."country" IS 'Country, as a code or in full.';
COMMENT ON COLUMN "account_owners"."email" IS 'E-mail address.';
COMMENT ON COLUMN "account_owners"."phone" IS 'Telephone number.';
COMMENT ON COLUMN "account_owners"."first_name" IS 'First name; null unless MX splits names for the client.';
COMMENT ON COLUMN "account_owners"."last_name" IS 'Last name; null unless MX splits names for the client.';
COMMENT ON COLUMN "account_owners"."extra" IS 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).';
COMMENT ON COLUMN "account_owners"."row_hash" IS '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.';
COMMENT ON COLUMN "account_owners"."snapshot_at" IS 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.';

-- One row per institution, by default those that the snapshot's members are connected to.
CREATE TABLE IF NOT EXISTS "institutions" (
  "code" text NOT NULL,
  "name" text,
  "url" text,
  "small_logo_url" text,
  "medium_logo_url" text,
  "supports_account_identification" boolean,
  "supports_account_statement" boolean,
  "supports_account_verification" boolean,
  "supports_transaction_history" boolean,
  "supports_oauth" boolean,
  "extra" text,
  "row_hash" bigint NOT NULL,
  "snapshot_at" timestamptz NOT NULL
);
COMMENT ON COLUMN "institutions"."code" IS 'MX''s code of the institution.';
COMMENT ON COLUMN "institutions"."name" IS 'Name of the institution.';
COMMENT ON COLUMN "institutions"."url" IS 'Its web site.';
COMMENT ON COLUMN "institutions"."small_logo_url" IS 'Address of a small logo.';
COMMENT ON COLUMN "institutions"."medium_logo_url" IS 'Address of a larger logo.';
COMMENT ON COLUMN "institutions"."supports_account_identification" IS 'Account owners can be asked for.';
COMMENT ON COLUMN "institutions"."supports_account_statement" IS 'Statements can be fetched.';
COMMENT ON COLUMN "institutions"."supports_account_verification" IS 'Account and routing numbers can be asked for.';
COMMENT ON COLUMN "institutions"."supports_transaction_history" IS 'More history than the usual can be fetched.';
COMMENT ON COLUMN "institutions"."supports_oauth" IS 'Connections go through the institution''s OAuth pages.';
COMMENT ON COLUMN "institutions"."extra" IS 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).';
COMMENT ON COLUMN "institutions"."row_hash" IS '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.';
COMMENT ON COLUMN "institutions"."snapshot_at" IS 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.';

-- One row per walk: one list read from its first page to its last, or one status or record read. A row that is absent from a table is evidence only under a complete walk.
CREATE TABLE IF NOT EXISTS "coverage" (
  "user_guid" text,
  "member_guid" text,
  "account_guid" text,
  "resource" text NOT NULL,
  "from_date" date,
  "to_date" date,
  "page_size_asked" bigint,
  "page_size_echoed" bigint,
  "pages" bigint,
  "rows" bigint,
  "distinct_guids" bigint,
  "repeated_guids" bigint,
  "total_entries_first" bigint,
  "total_entries_last" bigint,
  "http_status" bigint,
  "tries" bigint,
  "aggregated_at_before" timestamptz,
  "aggregated_at_after" timestamptz,
  "successfully_aggregated_at_before" timestamptz,
  "successfully_aggregated_at_after" timestamptz,
  "is_being_aggregated_before" boolean,
  "is_being_aggregated_after" boolean,
  "connection_status_before" text,
  "connection_status_after" text,
  "observed_at" timestamptz,
  "unfit_values" bigint,
  "complete" boolean NOT NULL,
  "reason" text,
  "extra" text,
  "row_hash" bigint NOT NULL,
  "snapshot_at" timestamptz NOT NULL
);
COMMENT ON COLUMN "coverage"."user_guid" IS 'The user walked; null for walks that belong to no user.';
COMMENT ON COLUMN "coverage"."member_guid" IS 'The member walked; null where the walk covers all of a user''s.';
COMMENT ON COLUMN "coverage"."account_guid" IS 'The account walked, for lists that are read per account.';
COMMENT ON COLUMN "coverage"."resource" IS 'users, members, member_status, accounts, transactions, account_owners or institutions.';
COMMENT ON COLUMN "coverage"."from_date" IS 'First day of the window asked for, included.';
COMMENT ON COLUMN "coverage"."to_date" IS 'Last day of the window asked for, included.';
COMMENT ON COLUMN "coverage"."page_size_asked" IS 'records_per_page of the last request.';
COMMENT ON COLUMN "coverage"."page_size_echoed" IS 'What the API said it honoured; null if it did not say.';
COMMENT ON COLUMN "coverage"."pages" IS 'Pages read in the last try.';
COMMENT ON COLUMN "coverage"."rows" IS 'Records received in the last try.';
COMMENT ON COLUMN "coverage"."distinct_guids" IS 'Distinct guids among them.';
COMMENT ON COLUMN "coverage"."repeated_guids" IS 'Records whose guid had been seen before in the same try.';
COMMENT ON COLUMN "coverage"."total_entries_first" IS 'Size of the list as its first page stated it.';
COMMENT ON COLUMN "coverage"."total_entries_last" IS 'Size of the list as the last answer of the walk stated it.';
COMMENT ON COLUMN "coverage"."http_status" IS 'HTTP status of the last answer; null if there was none.';
COMMENT ON COLUMN "coverage"."tries" IS 'Times the walk was begun.';
COMMENT ON COLUMN "coverage"."aggregated_at_before" IS 'As the member''s status had it before the walk.';
COMMENT ON COLUMN "coverage"."aggregated_at_after" IS 'As the member''s status had it after the walk.';
COMMENT ON COLUMN "coverage"."successfully_aggregated_at_before" IS 'As the member''s status had it before the walk.';
COMMENT ON COLUMN "coverage"."successfully_aggregated_at_after" IS 'As the member''s status had it after the walk.';
COMMENT ON COLUMN "coverage"."is_being_aggregated_before" IS 'As the member''s status had it before the walk.';
COMMENT ON COLUMN "coverage"."is_being_aggregated_after" IS 'As the member''s status had it after the walk.';
COMMENT ON COLUMN "coverage"."connection_status_before" IS 'As the member''s status had it before the walk.';
COMMENT ON COLUMN "coverage"."connection_status_after" IS 'As the member''s status had it after the walk.';
COMMENT ON COLUMN "coverage"."observed_at" IS 'The server''s clock at the last answer of the walk.';
COMMENT ON COLUMN "coverage"."unfit_values" IS 'Values that did not fit their column: null there, kept in extra.';
COMMENT ON COLUMN "coverage"."complete" IS 'True if the walk saw the whole list, standing still.';
COMMENT ON COLUMN "coverage"."reason" IS 'Why not, in one word; null when complete.';
COMMENT ON COLUMN "coverage"."extra" IS 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).';
COMMENT ON COLUMN "coverage"."row_hash" IS '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.';
COMMENT ON COLUMN "coverage"."snapshot_at" IS 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.';

-- One row per finding of a report: what was wrong on that night, and what that night put right.
CREATE TABLE IF NOT EXISTS "findings" (
  "id" text NOT NULL,
  "kind" text NOT NULL,
  "code" text NOT NULL,
  "verdict" text NOT NULL,
  "issue_type" text NOT NULL,
  "state" text NOT NULL,
  "ticket_id" text,
  "user_guid" text,
  "member_guid" text,
  "account_guid" text,
  "transaction_guid" text,
  "institution_code" text,
  "date" date,
  "amount" numeric(18,4),
  "type" text,
  "payee" text,
  "first_snapshot" text NOT NULL,
  "last_snapshot" text NOT NULL,
  "last_good_snapshot" text,
  "evidence" text NOT NULL,
  "missing_inputs" text NOT NULL
);
COMMENT ON COLUMN "findings"."id" IS 'F- and a digest: the same for as long as the same thing is wrong, and after a rebuild.';
COMMENT ON COLUMN "findings"."kind" IS 'What is wrong: missing_transaction, stale_member, institution_outage … (FORMAT.md).';
COMMENT ON COLUMN "findings"."code" IS 'Why it is thought to be that, e.g. Z1, S4 (FORMAT.md); may change while the id does not.';
COMMENT ON COLUMN "findings"."verdict" IS 'What follows: ticket, review or notice.';
COMMENT ON COLUMN "findings"."issue_type" IS 'Kind of ticket in MX''s support: failed_update, aggregation, mfa, credentials, fi_website or none.';
COMMENT ON COLUMN "findings"."state" IS 'candidate, open, submitted, escalated, suppressed, recovered, explained or expired.';
COMMENT ON COLUMN "findings"."ticket_id" IS 'T- and a digest: the ticket that carries the finding.';
COMMENT ON COLUMN "findings"."user_guid" IS 'The user whom it is about.';
COMMENT ON COLUMN "findings"."member_guid" IS 'The member that it is about.';
COMMENT ON COLUMN "findings"."account_guid" IS 'The account that it is about.';
COMMENT ON COLUMN "findings"."transaction_guid" IS 'The transaction that it is about.';
COMMENT ON COLUMN "findings"."institution_code" IS 'The institution that it is about; code in institutions.';
COMMENT ON COLUMN "findings"."date" IS 'Date of the transaction. Of one that was never seen, the day of the aggregation that should have brought it.';
COMMENT ON COLUMN "findings"."amount" IS 'Amount of the transaction, without a sign: type gives the direction.';
COMMENT ON COLUMN "findings"."type" IS 'CREDIT: money into the account. DEBIT: money out of it.';
COMMENT ON COLUMN "findings"."payee" IS 'Payee of the transaction, as it came: findings.csv may have an apostrophe in front.';
COMMENT ON COLUMN "findings"."first_snapshot" IS 'The snapshot in which it was first true.';
COMMENT ON COLUMN "findings"."last_snapshot" IS 'The last one in which it was true.';
COMMENT ON COLUMN "findings"."last_good_snapshot" IS 'The last one in which the row was there.';
COMMENT ON COLUMN "findings"."evidence" IS 'The facts that the verdict rests on, by name.';
COMMENT ON COLUMN "findings"."missing_inputs" IS 'What MX''s support will ask for and only a person can add.';

-- One row per transaction that was added, removed or amended since its member's last complete look, and one per member that was not looked at.
CREATE TABLE IF NOT EXISTS "changes" (
  "change" text NOT NULL,
  "code" text NOT NULL,
  "verdict" text NOT NULL,
  "user_guid" text NOT NULL,
  "member_guid" text,
  "account_guid" text,
  "transaction_guid" text,
  "counterpart_guid" text,
  "date" date,
  "amount" numeric(18,4),
  "type" text,
  "status" text,
  "finding_id" text
);
COMMENT ON COLUMN "changes"."change" IS 'added, removed, amended or not_looked_at.';
COMMENT ON COLUMN "changes"."code" IS 'Why, e.g. P2: the pending row posted under a new guid (FORMAT.md).';
COMMENT ON COLUMN "changes"."verdict" IS 'ticket, review, benign: there is a reason and nothing is wrong, or unknown: nobody looked.';
COMMENT ON COLUMN "changes"."user_guid" IS 'The user whose transaction it is.';
COMMENT ON COLUMN "changes"."member_guid" IS 'The member, also of one that was not looked at.';
COMMENT ON COLUMN "changes"."account_guid" IS 'The account.';
COMMENT ON COLUMN "changes"."transaction_guid" IS 'The transaction; null for a member that was not looked at.';
COMMENT ON COLUMN "changes"."counterpart_guid" IS 'The transaction that took its place, or whose place it took.';
COMMENT ON COLUMN "changes"."date" IS 'Date of the transaction.';
COMMENT ON COLUMN "changes"."amount" IS 'Amount of the transaction, without a sign: type gives the direction.';
COMMENT ON COLUMN "changes"."type" IS 'CREDIT: money into the account. DEBIT: money out of it.';
COMMENT ON COLUMN "changes"."status" IS 'PENDING or POSTED.';
COMMENT ON COLUMN "changes"."finding_id" IS 'The finding of that night about it; id in findings.';

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

