package sql

import (
	"cmp"
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/internal/millis"
)

// A Dialect describes the SQL of one database.
type Dialect struct {
	// Name is the prefix of error texts. Package is the package with the files of the schema. "" means the package Name.
	Name, Package string

	// Schema creates the table. It contains statements that each end with ; at the end of a line. It is a template, see
	// [Statements].
	Schema string

	// Upgrade adds what a table of the first version lacks, while nodes of both versions use it. It has the form of Schema.
	// A statement may fail because another node has already run it. UpgradeTurn, unless it is "", is a query that returns 1
	// if this connection may run Upgrade; until the connection ends, no other may. AliasIndex is a query for the number of
	// alias indexes of the table. Its parameters are :schema, which may be empty, and :name of the table.
	Upgrade, UpgradeTurn, AliasIndex string

	// Quote is the character that quotes identifiers.
	Quote byte

	// Numbered says that parameters are written $1, $2 and so on, and may be repeated. Otherwise each is a ?.
	Numbered bool

	// Now is an SQL expression for the clock that decides about expiry, of the type of expires_at. It may be :now, for the
	// clock of this process.
	Now string

	// HourNow is an SQL expression for the hour of Now as a number, counted from 1970 and rounded up. HourExpires is the
	// same for the column expires_at.
	HourNow, HourExpires string

	// Time converts a time to a parameter for the time columns. Nil means milliseconds since 1970, with 0 for none. The
	// database may return a time, a number or NULL for such a column.
	Time func(t time.Time) any

	// Text converts a string to a parameter for user_id, alias and ns. Nil means the string itself.
	Text func(s string) any

	// Statements are the statements, usually those of [Standard] with changes.
	Statements Statements

	// Returning says that a WITH clause may contain a statement that changes rows. A change that finds another version then
	// returns the stored record in the same round trip.
	Returning bool

	// Isolation is the level of transactions. Each statement must see what others have committed before it.
	Isolation sql.IsolationLevel

	// OneWriter says that the database accepts one writer at a time. Other writers then wait in this process.
	OneWriter bool

	// Duplicate reports whether err says that the key already exists.
	Duplicate func(err error) bool

	// Retry reports whether err says that concurrent changes, for example a deadlock, prevented the statement, and that
	// nothing was changed.
	Retry func(err error) bool

	// Lost reports whether err says that the connection has ended. It need not know the errors that database/sql and net
	// define for that.
	Lost func(err error) bool

	// Ended, unless nil, reports whether err is one of Lost that the server itself has sent when it ended the connection. It then
	// carries out nothing more of what it was sent over it, so that even the creation of a session may be sent again.
	Ended func(err error) bool

	// Probe, unless nil, checks the connections before they are used. Its error says what must be changed. pooled says that
	// a pooler runs each transaction on any of its own connections, so that nothing that belongs to a connection lasts.
	// prepares says that statements will be prepared.
	Probe func(ctx context.Context, db Pool, prepares bool) (pooled bool, err error)

	// Keeps, unless nil, reports whether the driver of a *sql.DB by itself keeps the texts prepared that it is sent. Statements are
	// then sent as texts, because database/sql would prepare them again on each connection of a pool below it, such as pgxpool.
	// db prepares nothing.
	Keeps func(ctx context.Context, db Pool) (bool, error)

	// Unprepared says that drivers can send a statement together with its parameters, so that nothing must be prepared. See
	// [Prepare].
	Unprepared bool

	// ReadOnly reports whether err says that the server or the transaction is read-only and has changed nothing. The call
	// is then tried again on another connection. OnlyReads is a query without parameters that asks the same: a row means
	// yes. It may also end the connection, because database/sql cannot close one that belongs to an underlying pool such as
	// pgxpool's. Nil and "" mean that the database has no such state.
	ReadOnly  func(err error) bool
	OnlyReads string

	// Stale reports whether err says that a prepared statement no longer fits the table and that nothing was changed. The
	// statement is then prepared again. Nil means that this cannot happen.
	Stale func(err error) bool

	// Watch receives what the statements announce on the channel :channel, and calls gone and resync until ctx is done.
	// resync is that of a [driver.Watcher]. The argument of gone is the id of a removed record, in hexadecimal, or "" if
	// any number of records was removed. Nil means that there are no announcements.
	Watch func(ctx context.Context, db Pool, channel string, resync func(), gone func(payload string)) error

	// NoTable reports whether err says that the table does not exist.
	NoTable func(err error) bool

	// Beego describes the table of beego's provider. Nil means that there is none.
	Beego *Beego

	head, live, data string // {head}, {live} and {data}, if the table is beego's
}

// Statements are templates. Their placeholders are
//
//	{table}              the quoted name of the table
//	{name}               its bare name, for the names of indexes
//	{index}              the quoted name of the index of aliases, with the schema if there is one
//	{now} {hour} {hours} Now, HourNow and HourExpires of the dialect
//	{live}               the condition for a live record
//	{standing}           the condition for a live record or a mark
//	{head}               all columns except data
//	{data}               the data, NULL if it is longer than :most, and its length
//
// Their parameters are
//
//	:ns :id :to          the namespace, a key, and the key that it is renamed to
//	:version             the row's version before the change; for a new row 1, or 0 for a reservation, -1 for a mark
//	:user :created :auth :expires :deadline :alias :meta :bucket :data
//	:mark :markexpires :markbucket   data, expires_at and gc_bucket of the mark that a rename leaves
//	:most                the maximum length of data to return, in bytes
//	:shorten             1 to move expires_at earlier, otherwise 0
//	:lock :locknumber    a hash of a user, 32 bytes, and 8 of them as a number
//	:now                 the clock of this process, in milliseconds since 1970
//	:channel             the channel on which removals are announced
//	{ids}                a list of keys
type Statements struct {
	Insert  string // inserts a row if the key has none, or only an expired one; otherwise a duplicate, or no row
	Replace string // overwrites the row under a key whose Insert was a duplicate, if it has expired or is a reservation
	Load    string // returns a live row or a mark's
	Save    string // updates a live row at :version
	Touch   string // moves expires_at of a live row later, never earlier
	Delete  string // deletes a record of any version
	End     string // deletes a live row at :version
	Rename  string // gives a live row at :version the key :to
	Vacate  string // deletes an expired row or a reservation under :to, for Rename
	Mark    string // turns a live row at :version into a mark

	// RenameMark is Rename that also leaves a mark under :id. It must contain :id exactly once. If it is "", Rename runs
	// first, and then Insert for the mark.
	RenameMark string

	Count string // counts the live rows
	List  string // returns the live rows of the page after :id
	User  string // returns :user's live rows
	Alias string // returns the live rows of :alias
	Page  string // returns all keys of the page after :id
	Clear string // deletes the rows after :id and up to :to

	Due      string // returns the keys and versions that a sweep must check
	Dying    string // returns id and user_id of the expired records in {ids}, and locks them if possible
	Expired  string // deletes the expired records in {ids}
	Lapsed   string // deletes the expired reservations and marks in {ids}
	Rebucket string // updates the hour of the live rows in {ids}

	Lock  string // waits for other calls of Reserve for the same user
	Held  string // returns :user's live rows, including reservations
	Evict string // deletes one of :user's records
}

// The sizes of pages and batches, which the statements contain.
const (
	pageSize  = 500
	dueSize   = 10_000
	batchSize = 200
)

// Standard returns statements that every database understands. Its Insert is a duplicate-key error if the key is taken: see
// [OnConflict].
func Standard() Statements {
	const (
		one    = ` WHERE ns = :ns AND id = :id`
		stored = `user_id = :user, created_at = :created, auth_at = :auth, deadline_at = :deadline, ` +
			`alias = :alias, meta = :meta, data = :data`
		listed = `SELECT id, {head} FROM {table} WHERE ns = :ns AND {live}`
	)
	page := strconv.Itoa(pageSize)
	return Statements{
		Insert: `INSERT INTO {table} (ns, id, {head}, gc_bucket, data) ` +
			`VALUES (:ns, :id, :version, :user, :created, :auth, :expires, :deadline, :alias, :meta, :bucket, :data)`,
		Replace: `UPDATE {table} SET version = :version, ` + stored + `, gc_bucket = :bucket, expires_at = :expires` +
			one + ` AND (version = 0 OR expires_at <= {now})`,
		Load: `SELECT {head}, {data} FROM {table}` + one + ` AND {standing}`,
		Save: `UPDATE {table} SET version = version + 1, ` + stored + `, ` +
			`gc_bucket = CASE WHEN gc_bucket > :bucket THEN :bucket ELSE gc_bucket END, ` +
			`expires_at = CASE WHEN :shorten = 1 OR expires_at < :expires THEN :expires ELSE expires_at END` +
			one + ` AND version = :version AND {live}`,
		Touch:  `UPDATE {table} SET expires_at = :expires` + one + ` AND {live} AND expires_at < :expires`,
		Delete: `DELETE FROM {table}` + one + ` AND version > 0`,
		End:    `DELETE FROM {table}` + one + ` AND version = :version AND {live}`,
		Rename: `UPDATE {table} SET id = :to, version = 1, ` + stored + `, gc_bucket = :bucket, expires_at = :expires` +
			one + ` AND version = :version AND {live}`,
		Mark: `UPDATE {table} SET version = -1, ` + stored + `, gc_bucket = :bucket, expires_at = :expires` +
			one + ` AND version = :version AND {live}`,
		Vacate: `DELETE FROM {table} WHERE ns = :ns AND id = :to AND (version = 0 OR expires_at <= {now})`,

		Count: `SELECT count(*) FROM {table} WHERE ns = :ns AND {live}`,
		List:  listed + ` AND id > :id ORDER BY id LIMIT ` + page,
		User:  listed + ` AND user_id = :user`,
		Alias: listed + ` AND alias = :alias`,
		Page:  `SELECT id FROM {table} WHERE ns = :ns AND id > :id ORDER BY id LIMIT ` + page,
		Clear: `DELETE FROM {table} WHERE ns = :ns AND id > :id AND id <= :to`,

		Due: `SELECT id, version FROM {table} WHERE ns = :ns AND gc_bucket <= {hour} ` +
			`AND (expires_at <= {now} OR gc_bucket < {hour}) LIMIT ` + strconv.Itoa(dueSize),
		Dying: `SELECT id, user_id FROM {table} WHERE ns = :ns AND id IN ({ids}) AND version > 0 AND expires_at <= {now} ` +
			`ORDER BY id FOR UPDATE`,
		Expired: `DELETE FROM {table} WHERE ns = :ns AND id IN ({ids}) AND version > 0 AND expires_at <= {now}`,
		Lapsed:  `DELETE FROM {table} WHERE ns = :ns AND id IN ({ids}) AND version <= 0 AND expires_at <= {now}`,
		Rebucket: `UPDATE {table} SET gc_bucket = {hours} WHERE ns = :ns AND id IN ({ids}) ` +
			`AND gc_bucket < {hours} AND expires_at > {now}`, // not {hour}: it would be looked up by that

		Held: `SELECT id, version, auth_at FROM {table} WHERE ns = :ns AND user_id = :user AND version >= 0 AND expires_at > {now} ` +
			`ORDER BY auth_at, id`,
		Evict: `DELETE FROM {table}` + one + ` AND user_id = :user AND version > 0`,
	}
}

// OnConflict is a suffix for Insert on databases that support it. With it, Insert is not an error if the key is taken, but
// changes no row.
const OnConflict = ` ON CONFLICT (ns, id) DO UPDATE SET version = excluded.version, user_id = excluded.user_id, ` +
	`created_at = excluded.created_at, auth_at = excluded.auth_at, expires_at = excluded.expires_at, ` +
	`deadline_at = excluded.deadline_at, alias = excluded.alias, meta = excluded.meta, ` +
	`gc_bucket = excluded.gc_bucket, data = excluded.data ` +
	`WHERE {table}.version = 0 OR {table}.expires_at <= {now}`

// columns are the columns that the table must have; newColumns came with version 2.
var (
	columns = []string{
		"ns", "id", "version", "user_id", "created_at", "auth_at", "expires_at", "deadline_at", "gc_bucket", "data", "alias", "meta",
	}
	newColumns = columns[len(columns)-2:]
)

const (
	headColumns = `version, user_id, created_at, auth_at, expires_at, deadline_at, alias, meta`
	liveRow     = `version > 0 AND expires_at > {now}`
	standingRow = `(version > 0 OR version = -1) AND expires_at > {now}` // what cannot be removed must not be loaded
	dataColumns = `CASE WHEN length(data) <= :most THEN data END, length(data)`
)

// expand replaces the placeholders in braces, except {ids}.
func (d *Dialect) expand(template, table string) string {
	_, name := splitTable(table)
	template = strings.NewReplacer("{live}", cmp.Or(d.live, liveRow),
		"{standing}", cmp.Or(d.live, standingRow), "{head}", cmp.Or(d.head, headColumns), "{data}", cmp.Or(d.data, dataColumns)).Replace(template)
	return strings.NewReplacer("{table}", d.quoted(table), "{name}", name, "{index}", d.quoted(table+"_alias"), "{now}", d.Now, "{hour}", d.HourNow,
		"{hours}", d.HourExpires).Replace(template)
}

// splitTable returns both parts of a table's name. The first may be empty.
func splitTable(table string) (schema, name string) {
	if i := strings.IndexByte(table, '.'); i >= 0 {
		return table[:i], table[i+1:]
	}
	return "", table
}

// quoted quotes a name, or both parts of a name with a dot. Names consist of letters, digits and _.
func (d *Dialect) quoted(table string) string {
	q := string(d.Quote)
	return q + strings.ReplaceAll(table, ".", q+"."+q) + q
}

// withStored turns a change of one version into a query that says whether it was made, and otherwise returns the live
// record.
func (s *Statements) withStored(change string) string {
	if !strings.Contains(change, " RETURNING ") {
		change += " RETURNING 1"
	}
	return `WITH done AS (` + change + `) ` +
		`SELECT 0, ` + strings.TrimPrefix(strings.Replace(s.Load, `{standing}`, `{live}`, 1), `SELECT `) + ` AND NOT EXISTS (SELECT 1 FROM done) ` +
		`UNION ALL SELECT 1, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM done`
}

func (d *Dialect) isReadOnly(err error) bool {
	return err != nil && d.ReadOnly != nil && d.ReadOnly(err)
}

func (d *Dialect) isStale(err error) bool { return err != nil && d.Stale != nil && d.Stale(err) }

// pkg is the package that has the schema.
func (d *Dialect) pkg() string { return cmp.Or(d.Package, d.Name) }

func (d *Dialect) time(t time.Time) any {
	if d.Time != nil {
		return d.Time(t)
	}
	return millis.Of(t)
}

// name returns a user or an alias as a parameter.
func (d *Dialect) name(s string) any {
	if s == "" {
		return nil
	}
	return d.text(s)
}

func (d *Dialect) text(s string) any {
	if d.Text != nil {
		return d.Text(s)
	}
	return s
}
