-- One row per user of the client: a person in the client's own system.
CREATE TABLE IF NOT EXISTS `users` (
  `guid` STRING NOT NULL OPTIONS (description = 'MX\'s id of the user.'),
  `identifier` STRING OPTIONS (description = 'The client\'s own id of the user; null when the client gave none.'),
  `is_disabled` BOOL OPTIONS (description = 'True while the user is disabled: nothing is aggregated and MX may withhold the data.'),
  `metadata` STRING OPTIONS (description = 'Opaque text that the client stored with the user, often JSON inside the string.'),
  `extra` STRING OPTIONS (description = 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).'),
  `row_hash` INT64 NOT NULL OPTIONS (description = '64-bit hash of the row\'s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.'),
  `snapshot_at` TIMESTAMP NOT NULL OPTIONS (description = 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.')
)
PARTITION BY DATE(`snapshot_at`);

-- One row per member: one user's connection to one institution.
CREATE TABLE IF NOT EXISTS `members` (
  `guid` STRING NOT NULL OPTIONS (description = 'MX\'s id of the member.'),
  `user_guid` STRING NOT NULL OPTIONS (description = 'The user that the member belongs to.'),
  `identifier` STRING OPTIONS (description = 'The client\'s own id of the member.'),
  `institution_code` STRING OPTIONS (description = 'The institution connected to; code in institutions.'),
  `name` STRING OPTIONS (description = 'Display name of the institution.'),
  `metadata` STRING OPTIONS (description = 'Opaque text that the client stored with the member.'),
  `aggregated_at` TIMESTAMP OPTIONS (description = 'Start of the most recent job of any kind; says nothing about its success.'),
  `successfully_aggregated_at` TIMESTAMP OPTIONS (description = 'Last time a job succeeded; null before the first success. The age of the member\'s data.'),
  `is_being_aggregated` BOOL OPTIONS (description = 'True if a job was running when the member was read.'),
  `connection_status` STRING OPTIONS (description = 'State of the connection: CONNECTED, CHALLENGED, DENIED …; null for members that never aggregate.'),
  `status` STRING OPTIONS (description = 'Older job state, still served beside connection_status.'),
  `is_oauth` BOOL OPTIONS (description = 'True if the connection is made through the institution\'s OAuth pages.'),
  `oauth_window_uri` STRING OPTIONS (description = 'One-time address of those pages, where one is open.'),
  `background_aggregation_is_disabled` BOOL OPTIONS (description = 'True if the nightly job of MX is turned off for the member.'),
  `extra` STRING OPTIONS (description = 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).'),
  `row_hash` INT64 NOT NULL OPTIONS (description = '64-bit hash of the row\'s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.'),
  `snapshot_at` TIMESTAMP NOT NULL OPTIONS (description = 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.')
)
PARTITION BY DATE(`snapshot_at`);

-- One row per account at an institution.
CREATE TABLE IF NOT EXISTS `accounts` (
  `guid` STRING NOT NULL OPTIONS (description = 'MX\'s id of the account.'),
  `member_guid` STRING NOT NULL OPTIONS (description = 'The member that the account belongs to.'),
  `user_guid` STRING NOT NULL OPTIONS (description = 'The user that the account belongs to.'),
  `institution_code` STRING OPTIONS (description = 'The institution that keeps the account.'),
  `name` STRING OPTIONS (description = 'Display name of the account.'),
  `account_number` STRING OPTIONS (description = 'Account number, usually masked or partial.'),
  `type` STRING OPTIONS (description = 'CHECKING, SAVINGS, CREDIT_CARD, LOAN, INVESTMENT …; ANY where the feed gave nothing usable.'),
  `subtype` STRING OPTIONS (description = 'Finer type, e.g. MONEY_MARKET, AUTO; null and NONE mean the same.'),
  `balance` NUMERIC(18,4) OPTIONS (description = 'Current balance, usually without pending transactions. Normally positive for every type: for debts it is what is owed.'),
  `available_balance` NUMERIC(18,4) OPTIONS (description = 'What can be spent from an asset account, usually net of pending transactions.'),
  `available_credit` NUMERIC(18,4) OPTIONS (description = 'What can still be drawn on a debt account.'),
  `credit_limit` NUMERIC(18,4) OPTIONS (description = 'Most that may be owed.'),
  `cash_balance` NUMERIC(18,4) OPTIONS (description = 'Cash held in an investment account.'),
  `holdings_value` NUMERIC(18,4) OPTIONS (description = 'Value of the securities in an investment account.'),
  `total_account_value` NUMERIC(18,4) OPTIONS (description = 'Cash and holdings of an investment account together.'),
  `cash_surrender_value` NUMERIC(18,4) OPTIONS (description = 'What an insurance policy pays when it is given up.'),
  `death_benefit` NUMERIC(18,4) OPTIONS (description = 'What an insurance policy pays on death.'),
  `loan_amount` NUMERIC(18,4) OPTIONS (description = 'Amount lent, for loans and loans on insurance policies.'),
  `pay_out_amount` NUMERIC(18,4) OPTIONS (description = 'What an insurance policy pays out.'),
  `premium_amount` NUMERIC(18,4) OPTIONS (description = 'Premium of an insurance policy.'),
  `insured_name` STRING OPTIONS (description = 'Person that an insurance policy covers.'),
  `apr` NUMERIC(18,8) OPTIONS (description = 'Annual percentage rate charged: 19.99 is 19.99 %.'),
  `apy` NUMERIC(18,8) OPTIONS (description = 'Annual percentage yield paid.'),
  `interest_rate` NUMERIC(18,8) OPTIONS (description = 'Nominal interest rate.'),
  `currency_code` STRING OPTIONS (description = 'Currency of the account\'s amounts.'),
  `day_payment_is_due` INT64 OPTIONS (description = 'Day on which a payment is due each month.'),
  `payment_due_at` TIMESTAMP OPTIONS (description = 'When the next payment is due.'),
  `last_payment_at` TIMESTAMP OPTIONS (description = 'When the last payment was made.'),
  `last_payment` NUMERIC(18,4) OPTIONS (description = 'Amount of the last payment.'),
  `minimum_payment` NUMERIC(18,4) OPTIONS (description = 'Least that must be paid by payment_due_at.'),
  `minimum_balance` NUMERIC(18,4) OPTIONS (description = 'Least that the account must hold.'),
  `original_balance` NUMERIC(18,4) OPTIONS (description = 'Balance of a loan when it began; always positive.'),
  `payoff_balance` NUMERIC(18,4) OPTIONS (description = 'What would end the loan today.'),
  `started_on` DATE OPTIONS (description = 'Day on which the account or loan began.'),
  `matures_on` DATE OPTIONS (description = 'Day on which it ends.'),
  `is_closed` BOOL OPTIONS (description = 'True once the account is closed; it stays listed and is no longer updated.'),
  `created_at` TIMESTAMP OPTIONS (description = 'When MX first stored the account.'),
  `updated_at` TIMESTAMP OPTIONS (description = 'When MX last changed what it stores of the account.'),
  `extra` STRING OPTIONS (description = 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).'),
  `row_hash` INT64 NOT NULL OPTIONS (description = '64-bit hash of the row\'s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.'),
  `snapshot_at` TIMESTAMP NOT NULL OPTIONS (description = 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.')
)
PARTITION BY DATE(`snapshot_at`);

-- One row per transaction in the snapshot's window.
CREATE TABLE IF NOT EXISTS `transactions` (
  `guid` STRING NOT NULL OPTIONS (description = 'MX\'s id of the transaction. A pending one usually gets a new guid when it posts.'),
  `account_guid` STRING NOT NULL OPTIONS (description = 'The account that the money moved on.'),
  `member_guid` STRING OPTIONS (description = 'The member that the account belongs to.'),
  `user_guid` STRING NOT NULL OPTIONS (description = 'The user that the account belongs to.'),
  `amount` NUMERIC(18,4) OPTIONS (description = 'How much moved, without a sign: type gives the direction.'),
  `type` STRING OPTIONS (description = 'CREDIT: money into the account. DEBIT: money out of it.'),
  `status` STRING OPTIONS (description = 'PENDING or POSTED.'),
  `date` DATE OPTIONS (description = 'The day that the window filters on: that of transacted_at, else of posted_at. Null only where the API served no date.'),
  `transacted_at` TIMESTAMP OPTIONS (description = 'When it happened; the time of day is often a filler such as noon.'),
  `posted_at` TIMESTAMP OPTIONS (description = 'When the institution booked it.'),
  `created_at` TIMESTAMP OPTIONS (description = 'When MX first stored the transaction.'),
  `updated_at` TIMESTAMP OPTIONS (description = 'When MX last changed what it stores of it; a new category is enough.'),
  `description` STRING OPTIONS (description = 'Payee as MX cleaned it; may change later.'),
  `original_description` STRING OPTIONS (description = 'Payee as the institution wrote it.'),
  `memo` STRING OPTIONS (description = 'Further text of the institution.'),
  `category` STRING OPTIONS (description = 'MX\'s category; may change later.'),
  `top_level_category` STRING OPTIONS (description = 'The group of categories it belongs to.'),
  `currency_code` STRING OPTIONS (description = 'Currency of amount.'),
  `check_number` INT64 OPTIONS (description = 'Number of the check without its leading zeros; superseded by check_number_string.'),
  `check_number_string` STRING OPTIONS (description = 'Number of the check as printed.'),
  `merchant_guid` STRING OPTIONS (description = 'MX\'s id of the merchant.'),
  `merchant_location_guid` STRING OPTIONS (description = 'MX\'s id of the merchant\'s place of business.'),
  `merchant_category_code` INT64 OPTIONS (description = 'Trade of the merchant.'),
  `latitude` FLOAT64 OPTIONS (description = 'Where it happened.'),
  `longitude` FLOAT64 OPTIONS (description = 'Where it happened.'),
  `is_bill_pay` BOOL OPTIONS (description = 'MX takes it for a payment made through a bill-pay service.'),
  `is_direct_deposit` BOOL OPTIONS (description = 'MX takes it for a direct deposit.'),
  `is_expense` BOOL OPTIONS (description = 'MX counts it as an expense.'),
  `is_fee` BOOL OPTIONS (description = 'MX takes it for a fee.'),
  `is_income` BOOL OPTIONS (description = 'MX counts it as income.'),
  `is_international` BOOL OPTIONS (description = 'MX takes it for a transaction abroad.'),
  `is_overdraft_fee` BOOL OPTIONS (description = 'MX takes it for an overdraft fee.'),
  `is_payroll_advance` BOOL OPTIONS (description = 'MX takes it for an advance on wages.'),
  `is_subscription` BOOL OPTIONS (description = 'MX takes it for a subscription.'),
  `id` STRING OPTIONS (description = 'Id given by the institution\'s feed; served by some versions only.'),
  `extra` STRING OPTIONS (description = 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).'),
  `row_hash` INT64 NOT NULL OPTIONS (description = '64-bit hash of the row\'s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.'),
  `snapshot_at` TIMESTAMP NOT NULL OPTIONS (description = 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.')
)
PARTITION BY DATE(`snapshot_at`);

-- One row per owner of an account, as the institution names them; a joint account has several.
CREATE TABLE IF NOT EXISTS `account_owners` (
  `guid` STRING OPTIONS (description = 'MX\'s id of the owner record; not every version serves one.'),
  `account_guid` STRING OPTIONS (description = 'The account owned.'),
  `member_guid` STRING NOT NULL OPTIONS (description = 'The member that the account belongs to.'),
  `user_guid` STRING NOT NULL OPTIONS (description = 'The user that the member belongs to, who need not be the owner.'),
  `owner_name` STRING OPTIONS (description = 'Name of the owner in one piece.'),
  `address` STRING OPTIONS (description = 'Street and number.'),
  `city` STRING OPTIONS (description = 'City.'),
  `state` STRING OPTIONS (description = 'State, as a code or in full.'),
  `postal_code` STRING OPTIONS (description = 'Postal code.'),
  `country` STRING OPTIONS (description = 'Country, as a code or in full.'),
  `email` STRING OPTIONS (description = 'E-mail address.'),
  `phone` STRING OPTIONS (description = 'Telephone number.'),
  `first_name` STRING OPTIONS (description = 'First name; null unless MX splits names for the client.'),
  `last_name` STRING OPTIONS (description = 'Last name; null unless MX splits names for the client.'),
  `extra` STRING OPTIONS (description = 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).'),
  `row_hash` INT64 NOT NULL OPTIONS (description = '64-bit hash of the row\'s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.'),
  `snapshot_at` TIMESTAMP NOT NULL OPTIONS (description = 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.')
)
PARTITION BY DATE(`snapshot_at`);

-- One row per institution, by default those that the snapshot's members are connected to.
CREATE TABLE IF NOT EXISTS `institutions` (
  `code` STRING NOT NULL OPTIONS (description = 'MX\'s code of the institution.'),
  `name` STRING OPTIONS (description = 'Name of the institution.'),
  `url` STRING OPTIONS (description = 'Its web site.'),
  `small_logo_url` STRING OPTIONS (description = 'Address of a small logo.'),
  `medium_logo_url` STRING OPTIONS (description = 'Address of a larger logo.'),
  `supports_account_identification` BOOL OPTIONS (description = 'Account owners can be asked for.'),
  `supports_account_statement` BOOL OPTIONS (description = 'Statements can be fetched.'),
  `supports_account_verification` BOOL OPTIONS (description = 'Account and routing numbers can be asked for.'),
  `supports_transaction_history` BOOL OPTIONS (description = 'More history than the usual can be fetched.'),
  `supports_oauth` BOOL OPTIONS (description = 'Connections go through the institution\'s OAuth pages.'),
  `extra` STRING OPTIONS (description = 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).'),
  `row_hash` INT64 NOT NULL OPTIONS (description = '64-bit hash of the row\'s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.'),
  `snapshot_at` TIMESTAMP NOT NULL OPTIONS (description = 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.')
)
PARTITION BY DATE(`snapshot_at`);

-- One row per walk: one list read from its first page to its last, or one status or record read. A row that is absent from a table is evidence only under a complete walk.
CREATE TABLE IF NOT EXISTS `coverage` (
  `user_guid` STRING OPTIONS (description = 'The user walked; null for walks that belong to no user.'),
  `member_guid` STRING OPTIONS (description = 'The member walked; null where the walk covers all of a user\'s.'),
  `account_guid` STRING OPTIONS (description = 'The account walked, for lists that are read per account.'),
  `resource` STRING NOT NULL OPTIONS (description = 'users, members, member_status, accounts, transactions, account_owners or institutions.'),
  `from_date` DATE OPTIONS (description = 'First day of the window asked for, included.'),
  `to_date` DATE OPTIONS (description = 'Last day of the window asked for, included.'),
  `page_size_asked` INT64 OPTIONS (description = 'records_per_page of the last request.'),
  `page_size_echoed` INT64 OPTIONS (description = 'What the API said it honoured; null if it did not say.'),
  `pages` INT64 OPTIONS (description = 'Pages read in the last try.'),
  `rows` INT64 OPTIONS (description = 'Records received in the last try.'),
  `distinct_guids` INT64 OPTIONS (description = 'Distinct guids among them.'),
  `repeated_guids` INT64 OPTIONS (description = 'Records whose guid had been seen before in the same try.'),
  `total_entries_first` INT64 OPTIONS (description = 'Size of the list as its first page stated it.'),
  `total_entries_last` INT64 OPTIONS (description = 'Size of the list as the last answer of the walk stated it.'),
  `http_status` INT64 OPTIONS (description = 'HTTP status of the last answer; null if there was none.'),
  `tries` INT64 OPTIONS (description = 'Times the walk was begun.'),
  `aggregated_at_before` TIMESTAMP OPTIONS (description = 'As the member\'s status had it before the walk.'),
  `aggregated_at_after` TIMESTAMP OPTIONS (description = 'As the member\'s status had it after the walk.'),
  `successfully_aggregated_at_before` TIMESTAMP OPTIONS (description = 'As the member\'s status had it before the walk.'),
  `successfully_aggregated_at_after` TIMESTAMP OPTIONS (description = 'As the member\'s status had it after the walk.'),
  `is_being_aggregated_before` BOOL OPTIONS (description = 'As the member\'s status had it before the walk.'),
  `is_being_aggregated_after` BOOL OPTIONS (description = 'As the member\'s status had it after the walk.'),
  `connection_status_before` STRING OPTIONS (description = 'As the member\'s status had it before the walk.'),
  `connection_status_after` STRING OPTIONS (description = 'As the member\'s status had it after the walk.'),
  `observed_at` TIMESTAMP OPTIONS (description = 'The server\'s clock at the last answer of the walk.'),
  `unfit_values` INT64 OPTIONS (description = 'Values that did not fit their column: null there, kept in extra.'),
  `complete` BOOL NOT NULL OPTIONS (description = 'True if the walk saw the whole list, standing still.'),
  `reason` STRING OPTIONS (description = 'Why not, in one word; null when complete.'),
  `extra` STRING OPTIONS (description = 'What the columns could not take, as JSON with sorted keys: fields this version does not know, and values that did not fit their column (there the column is null).'),
  `row_hash` INT64 NOT NULL OPTIONS (description = '64-bit hash of the row\'s content, version 1 (FORMAT.md); leaves out updated_at, extra and snapshot_at. Equal hashes mean that nothing worth comparing changed.'),
  `snapshot_at` TIMESTAMP NOT NULL OPTIONS (description = 'Nominal time of the snapshot that the row belongs to: the --as-of of its export.')
)
PARTITION BY DATE(`snapshot_at`);

-- One row per finding of a report: what was wrong on that night, and what that night put right.
CREATE TABLE IF NOT EXISTS `findings` (
  `id` STRING NOT NULL OPTIONS (description = 'F- and a digest: the same for as long as the same thing is wrong, and after a rebuild.'),
  `kind` STRING NOT NULL OPTIONS (description = 'What is wrong: missing_transaction, stale_member, institution_outage … (FORMAT.md).'),
  `code` STRING NOT NULL OPTIONS (description = 'Why it is thought to be that, e.g. Z1, S4 (FORMAT.md); may change while the id does not.'),
  `verdict` STRING NOT NULL OPTIONS (description = 'What follows: ticket, review or notice.'),
  `issue_type` STRING NOT NULL OPTIONS (description = 'Kind of ticket in MX\'s support: failed_update, aggregation, mfa, credentials, fi_website or none.'),
  `state` STRING NOT NULL OPTIONS (description = 'candidate, open, submitted, escalated, suppressed, recovered, explained or expired.'),
  `ticket_id` STRING OPTIONS (description = 'T- and a digest: the ticket that carries the finding.'),
  `user_guid` STRING OPTIONS (description = 'The user whom it is about.'),
  `member_guid` STRING OPTIONS (description = 'The member that it is about.'),
  `account_guid` STRING OPTIONS (description = 'The account that it is about.'),
  `transaction_guid` STRING OPTIONS (description = 'The transaction that it is about.'),
  `institution_code` STRING OPTIONS (description = 'The institution that it is about; code in institutions.'),
  `date` DATE OPTIONS (description = 'Date of the transaction. Of one that was never seen, the day of the aggregation that should have brought it.'),
  `amount` NUMERIC(18,4) OPTIONS (description = 'Amount of the transaction, without a sign: type gives the direction.'),
  `type` STRING OPTIONS (description = 'CREDIT: money into the account. DEBIT: money out of it.'),
  `payee` STRING OPTIONS (description = 'Payee of the transaction, as it came: findings.csv may have an apostrophe in front.'),
  `first_snapshot` STRING NOT NULL OPTIONS (description = 'The snapshot in which it was first true.'),
  `last_snapshot` STRING NOT NULL OPTIONS (description = 'The last one in which it was true.'),
  `last_good_snapshot` STRING OPTIONS (description = 'The last one in which the row was there.'),
  `evidence` STRING NOT NULL OPTIONS (description = 'The facts that the verdict rests on, by name.'),
  `missing_inputs` STRING NOT NULL OPTIONS (description = 'What MX\'s support will ask for and only a person can add.')
);

-- One row per transaction that was added, removed or amended since its member's last complete look, and one per member that was not looked at.
CREATE TABLE IF NOT EXISTS `changes` (
  `change` STRING NOT NULL OPTIONS (description = 'added, removed, amended or not_looked_at.'),
  `code` STRING NOT NULL OPTIONS (description = 'Why, e.g. P2: the pending row posted under a new guid (FORMAT.md).'),
  `verdict` STRING NOT NULL OPTIONS (description = 'ticket, review, benign: there is a reason and nothing is wrong, or unknown: nobody looked.'),
  `user_guid` STRING NOT NULL OPTIONS (description = 'The user whose transaction it is.'),
  `member_guid` STRING OPTIONS (description = 'The member, also of one that was not looked at.'),
  `account_guid` STRING OPTIONS (description = 'The account.'),
  `transaction_guid` STRING OPTIONS (description = 'The transaction; null for a member that was not looked at.'),
  `counterpart_guid` STRING OPTIONS (description = 'The transaction that took its place, or whose place it took.'),
  `date` DATE OPTIONS (description = 'Date of the transaction.'),
  `amount` NUMERIC(18,4) OPTIONS (description = 'Amount of the transaction, without a sign: type gives the direction.'),
  `type` STRING OPTIONS (description = 'CREDIT: money into the account. DEBIT: money out of it.'),
  `status` STRING OPTIONS (description = 'PENDING or POSTED.'),
  `finding_id` STRING OPTIONS (description = 'The finding of that night about it; id in findings.')
);

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

