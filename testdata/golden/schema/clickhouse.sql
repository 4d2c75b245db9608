-- One row per user of the client: a person in the client's own system.
CREATE TABLE IF NOT EXISTS `users` (
  `guid` String COMMENT 'MX''s id of the user.',
  `identifier` Nullable(String) COMMENT 'The client''s own id of the user; null when the client gave none.',
  `is_disabled` Nullable(Bool) COMMENT 'True while the user is disabled: nothing is aggregated and MX may withhold the data.',
  `metadata` Nullable(String) COMMENT 'Opaque text that the client stored with the user, often JSON inside the string.',
  `extra` Nullable(String) COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  `row_hash` Int64 COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  `snapshot_at` DateTime64(6, 'UTC') COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
)
ENGINE = MergeTree
ORDER BY (`snapshot_at`, `guid`);

-- One row per member: one user's connection to one institution.
CREATE TABLE IF NOT EXISTS `members` (
  `guid` String COMMENT 'MX''s id of the member.',
  `user_guid` String COMMENT 'The user that the member belongs to.',
  `identifier` Nullable(String) COMMENT 'The client''s own id of the member.',
  `institution_code` Nullable(String) COMMENT 'The institution connected to; code in institutions.',
  `name` Nullable(String) COMMENT 'Display name of the institution.',
  `metadata` Nullable(String) COMMENT 'Opaque text that the client stored with the member.',
  `aggregated_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'Start of the most recent job of any kind; says nothing about its success.',
  `successfully_aggregated_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'Last time a job succeeded; null before the first success. The age of the member''s data.',
  `is_being_aggregated` Nullable(Bool) COMMENT 'True if a job was running when the member was read.',
  `connection_status` Nullable(String) COMMENT 'State of the connection: CONNECTED, CHALLENGED, DENIED …; null for members that never aggregate.',
  `status` Nullable(String) COMMENT 'Older job state, still served beside connection_status.',
  `is_oauth` Nullable(Bool) COMMENT 'True if the connection is made through the institution''s OAuth pages.',
  `oauth_window_uri` Nullable(String) COMMENT 'One-time address of those pages, where one is open.',
  `background_aggregation_is_disabled` Nullable(Bool) COMMENT 'True if the nightly job of MX is turned off for the member.',
  `extra` Nullable(String) COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  `row_hash` Int64 COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  `snapshot_at` DateTime64(6, 'UTC') COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
)
ENGINE = MergeTree
ORDER BY (`snapshot_at`, `user_guid`, `guid`);

-- One row per account at an institution.
CREATE TABLE IF NOT EXISTS `accounts` (
  `guid` String COMMENT 'MX''s id of the account.',
  `member_guid` String COMMENT 'The member that the account belongs to.',
  `user_guid` String COMMENT 'The user that the account belongs to.',
  `institution_code` Nullable(String) COMMENT 'The institution that keeps the account.',
  `name` Nullable(String) COMMENT 'Display name of the account.',
  `account_number` Nullable(String) COMMENT 'Account number, usually masked or partial.',
  `type` Nullable(String) COMMENT 'CHECKING, SAVINGS, CREDIT_CARD, LOAN, INVESTMENT …; ANY where the feed gave nothing usable.',
  `subtype` Nullable(String) COMMENT 'Finer type, e.g. MONEY_MARKET, AUTO; null and NONE mean the same.',
  `balance` Nullable(Decimal(18,4)) COMMENT 'Current balance, usually without pending transactions. Normally positive for every type: for debts it is what is owed.',
  `available_balance` Nullable(Decimal(18,4)) COMMENT 'What can be spent from an asset account, usually net of pending transactions.',
  `available_credit` Nullable(Decimal(18,4)) COMMENT 'What can still be drawn on a debt account.',
  `credit_limit` Nullable(Decimal(18,4)) COMMENT 'Most that may be owed.',
  `cash_balance` Nullable(Decimal(18,4)) COMMENT 'Cash held in an investment account.',
  `holdings_value` Nullable(Decimal(18,4)) COMMENT 'Value of the securities in an investment account.',
  `total_account_value` Nullable(Decimal(18,4)) COMMENT 'Cash and holdings of an investment account together.',
  `cash_surrender_value` Nullable(Decimal(18,4)) COMMENT 'What an insurance policy pays when it is given up.',
  `death_benefit` Nullable(Decimal(18,4)) COMMENT 'What an insurance policy pays on death.',
  `loan_amount` Nullable(Decimal(18,4)) COMMENT 'Amount lent, for loans and loans on insurance policies.',
  `pay_out_amount` Nullable(Decimal(18,4)) COMMENT 'What an insurance policy pays out.',
  `premium_amount` Nullable(Decimal(18,4)) COMMENT 'Premium of an insurance policy.',
  `insured_name` Nullable(String) COMMENT 'Person that an insurance policy covers.',
  `apr` Nullable(Decimal(18,8)) COMMENT 'Annual percentage rate charged: 19.99 is 19.99 %.',
  `apy` Nullable(Decimal(18,8)) COMMENT 'Annual percentage yield paid.',
  `interest_rate` Nullable(Decimal(18,8)) COMMENT 'Nominal interest rate.',
  `currency_code` Nullable(String) COMMENT 'Currency of the account''s amounts.',
  `day_payment_is_due` Nullable(Int64) COMMENT 'Day on which a payment is due each month.',
  `payment_due_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the next payment is due.',
  `last_payment_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the last payment was made.',
  `last_payment` Nullable(Decimal(18,4)) COMMENT 'Amount of the last payment.',
  `minimum_payment` Nullable(Decimal(18,4)) COMMENT 'Least that must be paid by payment_due_at.',
  `minimum_balance` Nullable(Decimal(18,4)) COMMENT 'Least that the account must hold.',
  `original_balance` Nullable(Decimal(18,4)) COMMENT 'Balance of a loan when it began; always positive.',
  `payoff_balance` Nullable(Decimal(18,4)) COMMENT 'What would end the loan today.',
  `started_on` Nullable(Date32) COMMENT 'Day on which the account or loan began.',
  `matures_on` Nullable(Date32) COMMENT 'Day on which it ends.',
  `is_closed` Nullable(Bool) COMMENT 'True once the account is closed; it stays listed and is no longer updated.',
  `created_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When MX first stored the account.',
  `updated_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When MX last changed what it stores of the account.',
  `extra` Nullable(String) COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  `row_hash` Int64 COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  `snapshot_at` DateTime64(6, 'UTC') COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
)
ENGINE = MergeTree
ORDER BY (`snapshot_at`, `user_guid`, `member_guid`, `guid`);

-- One row per transaction in the snapshot's window.
CREATE TABLE IF NOT EXISTS `transactions` (
  `guid` String COMMENT 'MX''s id of the transaction. A pending one usually gets a new guid when it posts.',
  `account_guid` String COMMENT 'The account that the money moved on.',
  `member_guid` Nullable(String) COMMENT 'The member that the account belongs to.',
  `user_guid` String COMMENT 'The user that the account belongs to.',
  `amount` Nullable(Decimal(18,4)) COMMENT 'How much moved, without a sign: type gives the direction.',
  `type` Nullable(String) COMMENT 'CREDIT: money into the account. DEBIT: money out of it.',
  `status` Nullable(String) COMMENT 'PENDING or POSTED.',
  `date` Nullable(Date32) COMMENT 'The day that the window filters on: that of transacted_at, else of posted_at. Null only where the API served no date.',
  `transacted_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When it happened; the time of day is often a filler such as noon.',
  `posted_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the institution booked it.',
  `created_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When MX first stored the transaction.',
  `updated_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When MX last changed what it stores of it; a new category is enough.',
  `description` Nullable(String) COMMENT 'Payee as MX cleaned it; may change later.',
  `original_description` Nullable(String) COMMENT 'Payee as the institution wrote it.',
  `memo` Nullable(String) COMMENT 'Further text of the institution.',
  `category` Nullable(String) COMMENT 'MX''s category; may change later.',
  `top_level_category` Nullable(String) COMMENT 'The group of categories it belongs to.',
  `currency_code` Nullable(String) COMMENT 'Currency of amount.',
  `check_number` Nullable(Int64) COMMENT 'Number of the check without its leading zeros; superseded by check_number_string.',
  `check_number_string` Nullable(String) COMMENT 'Number of the check as printed.',
  `merchant_guid` Nullable(String) COMMENT 'MX''s id of the merchant.',
  `merchant_location_guid` Nullable(String) COMMENT 'MX''s id of the merchant''s place of business.',
  `merchant_category_code` Nullable(Int64) COMMENT 'Trade of the merchant.',
  `latitude` Nullable(Float64) COMMENT 'Where it happened.',
  `longitude` Nullable(Float64) COMMENT 'Where it happened.',
  `is_bill_pay` Nullable(Bool) COMMENT 'MX takes it for a payment made through a bill-pay service.',
  `is_direct_deposit` Nullable(Bool) COMMENT 'MX takes it for a direct deposit.',
  `is_expense` Nullable(Bool) COMMENT 'MX counts it as an expense.',
  `is_fee` Nullable(Bool) COMMENT 'MX takes it for a fee.',
  `is_income` Nullable(Bool) COMMENT 'MX counts it as income.',
  `is_international` Nullable(Bool) COMMENT 'MX takes it for a transaction abroad.',
  `is_overdraft_fee` Nullable(Bool) COMMENT 'MX takes it for an overdraft fee.',
  `is_payroll_advance` Nullable(Bool) COMMENT 'MX takes it for an advance on wages.',
  `is_subscription` Nullable(Bool) COMMENT 'MX takes it for a subscription.',
  `id` Nullable(String) COMMENT 'Id given by the institution''s feed; served by some versions only.',
  `extra` Nullable(String) COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  `row_hash` Int64 COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  `snapshot_at` DateTime64(6, 'UTC') COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
)
ENGINE = MergeTree
ORDER BY (`snapshot_at`, `user_guid`, `account_guid`, `guid`);

-- One row per owner of an account, as the institution names them; a joint account has several.
CREATE TABLE IF NOT EXISTS `account_owners` (
  `guid` Nullable(String) COMMENT 'MX''s id of the owner record; not every version serves one.',
  `account_guid` Nullable(String) COMMENT 'The account owned.',
  `member_guid` String COMMENT 'The member that the account belongs to.',
  `user_guid` String COMMENT 'The user that the member belongs to, who need not be the owner.',
  `owner_name` Nullable(String) COMMENT 'Name of the owner in one piece.',
  `address` Nullable(String) COMMENT 'Street and number.',
  `city` Nullable(String) COMMENT 'City.',
  `state` Nullable(String) COMMENT 'State, as a code or in full.',
  `postal_code` Nullable(String) COMMENT 'Postal code.',
  `country` Nullable(String) COMMENT 'Country, as a code or in full.',
  `email` Nullable(String) COMMENT 'E-mail address.',
  `phone` Nullable(String) COMMENT 'Telephone number.',
  `first_name` Nullable(String) COMMENT 'First name; null unless MX splits names for the client.',
  `last_name` Nullable(String) COMMENT 'Last name; null unless MX splits names for the client.',
  `extra` Nullable(String) COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  `row_hash` Int64 COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  `snapshot_at` DateTime64(6, 'UTC') COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
)
ENGINE = MergeTree
ORDER BY (`snapshot_at`, `user_guid`, `member_guid`);

-- One row per institution, by default those that the snapshot's members are connected to.
CREATE TABLE IF NOT EXISTS `institutions` (
  `code` String COMMENT 'MX''s code of the institution.',
  `name` Nullable(String) COMMENT 'Name of the institution.',
  `url` Nullable(String) COMMENT 'Its web site.',
  `small_logo_url` Nullable(String) COMMENT 'Address of a small logo.',
  `medium_logo_url` Nullable(String) COMMENT 'Address of a larger logo.',
  `supports_account_identification` Nullable(Bool) COMMENT 'Account owners can be asked for.',
  `supports_account_statement` Nullable(Bool) COMMENT 'Statements can be fetched.',
  `supports_account_verification` Nullable(Bool) COMMENT 'Account and routing numbers can be asked for.',
  `supports_transaction_history` Nullable(Bool) COMMENT 'More history than the usual can be fetched.',
  `supports_oauth` Nullable(Bool) COMMENT 'Connections go through the institution''s OAuth pages.',
  `extra` Nullable(String) COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  `row_hash` Int64 COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  `snapshot_at` DateTime64(6, 'UTC') COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
)
ENGINE = MergeTree
ORDER BY (`snapshot_at`, `code`);

-- One row per walk: one list read from its first page to its last, or one status or record read. A row that is absent from a table is evidence only under a complete walk.
CREATE TABLE IF NOT EXISTS `coverage` (
  `user_guid` Nullable(String) COMMENT 'The user walked; null for walks that belong to no user.',
  `member_guid` Nullable(String) COMMENT 'The member walked; null where the walk covers all of a user''s.',
  `account_guid` Nullable(String) COMMENT 'The account walked, for lists that are read per account.',
  `resource` String COMMENT 'users, members, member_status, accounts, transactions, account_owners or institutions.',
  `from_date` Nullable(Date32) COMMENT 'First day of the window asked for, included.',
  `to_date` Nullable(Date32) COMMENT 'Last day of the window asked for, included.',
  `page_size_asked` Nullable(Int64) COMMENT 'records_per_page of the last request.',
  `page_size_echoed` Nullable(Int64) COMMENT 'What the API said it honoured; null if it did not say.',
  `pages` Nullable(Int64) COMMENT 'Pages read in the last try.',
  `rows` Nullable(Int64) COMMENT 'Records received in the last try.',
  `distinct_guids` Nullable(Int64) COMMENT 'Distinct guids among them.',
  `repeated_guids` Nullable(Int64) COMMENT 'Records whose guid had been seen before in the same try.',
  `total_entries_first` Nullable(Int64) COMMENT 'Size of the list as its first page stated it.',
  `total_entries_last` Nullable(Int64) COMMENT 'Size of the list as the last answer of the walk stated it.',
  `http_status` Nullable(Int64) COMMENT 'HTTP status of the last answer; null if there was none.',
  `tries` Nullable(Int64) COMMENT 'Times the walk was begun.',
  `aggregated_at_before` Nullable(DateTime64(6, 'UTC')) COMMENT 'As the member''s status had it before the walk.',
  `aggregated_at_after` Nullable(DateTime64(6, 'UTC')) COMMENT 'As the member''s status had it after the walk.',
  `successfully_aggregated_at_before` Nullable(DateTime64(6, 'UTC')) COMMENT 'As the member''s status had it before the walk.',
  `successfully_aggregated_at_after` Nullable(DateTime64(6, 'UTC')) COMMENT 'As the member''s status had it after the walk.',
  `is_being_aggregated_before` Nullable(Bool) COMMENT 'As the member''s status had it before the walk.',
  `is_being_aggregated_after` Nullable(Bool) COMMENT 'As the member''s status had it after the walk.',
  `connection_status_before` Nullable(String) COMMENT 'As the member''s status had it before the walk.',
  `connection_status_after` Nullable(String) COMMENT 'As the member''s status had it after the walk.',
  `observed_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'The server''s clock at the last answer of the walk.',
  `unfit_values` Nullable(Int64) COMMENT 'Values that did not fit their column: null there, kept in extra.',
  `complete` Bool COMMENT 'True if the walk saw the whole list, standing still.',
  `reason` Nullable(String) COMMENT 'Why not, in one word; null when complete.',
  `extra` Nullable(String) COMMENT 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).',
  `row_hash` Int64 COMMENT '64-bit hash of the row''s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.',
  `snapshot_at` DateTime64(6, 'UTC') COMMENT 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.'
)
ENGINE = MergeTree
ORDER BY (`snapshot_at`, `resource`);

-- One row per finding of a report: what was wrong on that night, and what that night put right.
CREATE TABLE IF NOT EXISTS `findings` (
  `id` String COMMENT 'F- and a digest: the same for as long as the same thing is wrong, and after a rebuild.',
  `kind` String COMMENT 'What is wrong: missing_transaction, stale_member, institution_outage … (FORMAT.md).',
  `code` String COMMENT 'Why it is thought to be that, e.g. Z1, S4 (FORMAT.md); may change while the id does not.',
  `verdict` String COMMENT 'What follows: ticket, review or notice.',
  `issue_type` String COMMENT 'Kind of ticket in MX''s support: failed_update, aggregation, mfa, credentials, fi_website or none.',
  `state` String COMMENT 'candidate, open, submitted, escalated, suppressed, recovered, explained or expired.',
  `ticket_id` Nullable(String) COMMENT 'T- and a digest: the ticket that carries the finding.',
  `user_guid` Nullable(String) COMMENT 'The user whom it is about.',
  `member_guid` Nullable(String) COMMENT 'The member that it is about.',
  `account_guid` Nullable(String) COMMENT 'The account that it is about.',
  `transaction_guid` Nullable(String) COMMENT 'The transaction that it is about.',
  `institution_code` Nullable(String) COMMENT 'The institution that it is about; code in institutions.',
  `date` Nullable(Date32) COMMENT 'Date of the transaction. Of one that was never seen, the day of the aggregation that should have brought it.',
  `amount` Nullable(Decimal(18,4)) COMMENT 'Amount of the transaction, without a sign: type gives the direction.',
  `type` Nullable(String) COMMENT 'CREDIT: money into the account. DEBIT: money out of it.',
  `payee` Nullable(String) COMMENT 'Payee of the transaction, as it came: findings.csv may have an apostrophe in front.',
  `first_snapshot` String COMMENT 'The snapshot in which it was first true.',
  `last_snapshot` String COMMENT 'The last one in which it was true.',
  `last_good_snapshot` Nullable(String) COMMENT 'The last one in which the row was there.',
  `evidence` String COMMENT 'The facts that the verdict rests on, by name.',
  `missing_inputs` String COMMENT 'What MX''s support will ask for and only a person can add.'
)
ENGINE = MergeTree
ORDER BY (`id`);

-- One row per transaction that was added, removed or amended since its member's last complete look, and one per member that was not looked at.
CREATE TABLE IF NOT EXISTS `changes` (
  `change` String COMMENT 'added, removed, amended or not_looked_at.',
  `code` String COMMENT 'Why, e.g. P2: the pending row posted under a new guid (FORMAT.md).',
  `verdict` String COMMENT 'ticket, review, benign: there is a reason and nothing is wrong, or unknown: nobody looked.',
  `user_guid` String COMMENT 'The user whose transaction it is.',
  `member_guid` Nullable(String) COMMENT 'The member, also of one that was not looked at.',
  `account_guid` Nullable(String) COMMENT 'The account.',
  `transaction_guid` Nullable(String) COMMENT 'The transaction; null for a member that was not looked at.',
  `counterpart_guid` Nullable(String) COMMENT 'The transaction that took its place, or whose place it took.',
  `date` Nullable(Date32) COMMENT 'Date of the transaction.',
  `amount` Nullable(Decimal(18,4)) COMMENT 'Amount of the transaction, without a sign: type gives the direction.',
  `type` Nullable(String) COMMENT 'CREDIT: money into the account. DEBIT: money out of it.',
  `status` Nullable(String) COMMENT 'PENDING or POSTED.',
  `finding_id` Nullable(String) COMMENT 'The finding of that night about it; id in findings.'
)
ENGINE = MergeTree
ORDER BY (`user_guid`);

-- The newest snapshot of all users without gaps.
CREATE OR REPLACE VIEW `latest_complete_snapshot` AS
SELECT max(`snapshot_at`) AS `snapshot_at` FROM (
  SELECT `snapshot_at` FROM `coverage` GROUP BY `snapshot_at`
  HAVING sum(CASE WHEN `reason` IS NULL OR `reason` IN ('not_found', 'disabled') THEN 0 ELSE 1 END) = 0
    AND sum(CASE WHEN `resource` = 'users' AND `user_guid` IS NULL THEN 1 ELSE 0 END) > 0
) AS complete_snapshots;

-- The newest snapshot of all users, with gaps or without.
CREATE OR REPLACE VIEW `latest_snapshot` AS
SELECT max(`snapshot_at`) AS `snapshot_at` FROM `coverage`
WHERE `resource` = 'users' AND `user_guid` IS NULL;

CREATE OR REPLACE VIEW `users_latest` AS
SELECT t.* FROM `users` AS t
JOIN `latest_complete_snapshot` AS l ON t.`snapshot_at` = l.`snapshot_at`;

CREATE OR REPLACE VIEW `members_latest` AS
SELECT t.* FROM `members` AS t
JOIN `latest_complete_snapshot` AS l ON t.`snapshot_at` = l.`snapshot_at`;

CREATE OR REPLACE VIEW `accounts_latest` AS
SELECT t.* FROM `accounts` AS t
JOIN `latest_complete_snapshot` AS l ON t.`snapshot_at` = l.`snapshot_at`;

CREATE OR REPLACE VIEW `transactions_latest` AS
SELECT t.* FROM `transactions` AS t
JOIN `latest_complete_snapshot` AS l ON t.`snapshot_at` = l.`snapshot_at`;

CREATE OR REPLACE VIEW `account_owners_latest` AS
SELECT t.* FROM `account_owners` AS t
JOIN `latest_complete_snapshot` AS l ON t.`snapshot_at` = l.`snapshot_at`;

CREATE OR REPLACE VIEW `institutions_latest` AS
SELECT t.* FROM `institutions` AS t
JOIN `latest_complete_snapshot` AS l ON t.`snapshot_at` = l.`snapshot_at`;

CREATE OR REPLACE VIEW `coverage_latest` AS
SELECT t.* FROM `coverage` AS t
JOIN `latest_complete_snapshot` AS l ON t.`snapshot_at` = l.`snapshot_at`;

