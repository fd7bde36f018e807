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

// A Dialect is what one database's SQL has of its own.
type Dialect struct {
	// Name begins the errors' texts.
	Name string

	// Schema creates the table: statements that end with ; at the end of a line. It is a template, see
	// [Statements].
	Schema string

	// Upgrade adds to a table of the first version what it lacks, while nodes of both versions work on it: statements as those of
	// Schema, which may fail where another node has done the same. Nobody else does so at the same time if UpgradeTurn, unless
	// it is "", says 1, until the connection ends. AliasIndex asks how many indexes of aliases the table has, and
	// has the parameters :schema, which may be empty, and :name of the table.
	Upgrade, UpgradeTurn, AliasIndex string

	// Quote stands around identifiers.
	Quote byte

	// Numbered says that parameters are $1, $2 and so on, and may be used again. Otherwise each is a ?.
	Numbered bool

	// Now is the clock that expiry goes by, as SQL of the type of expires_at. It may be :now for the
	// clock of this process.
	Now string

	// HourNow is the hour that Now is in as a number, counted from 1970 and rounded up; HourExpires the
	// same of the column expires_at.
	HourNow, HourExpires string

	// Time returns a time for the columns of that type. Nil means milliseconds since 1970, 0 for none. What
	// comes back may be a time, a number or NULL.
	Time func(t time.Time) any

	// Text returns text for user_id, alias and ns. Nil means the text itself.
	Text func(s string) any

	// Statements are the statements, usually [Standard] with changes.
	Statements Statements

	// Returning says that a statement that changes rows may stand in a WITH clause: a change that finds
	// another version then brings the record back in the same round trip.
	Returning bool

	// Isolation is that of transactions, in which a statement sees what others have committed before it.
	Isolation sql.IsolationLevel

	// OneWriter says that the database takes one writer at a time, so that the others better wait here.
	OneWriter bool

	// Duplicate reports whether err says that the key is taken.
	Duplicate func(err error) bool

	// Retry reports whether err says that nothing was changed because of what others did at the same
	// time: a deadlock, say.
	Retry func(err error) bool

	// Lost reports whether err says that the connection ended. Errors that database/sql and net have for
	// that need not be known to it.
	Lost func(err error) bool

	// Probe, unless it is nil, looks at the connections before they are used. An error says what is to be changed. pooled says that
	// a pooler has each transaction run on any connection of its own, so that nothing holds that belongs to a connection. prepares
	// says that statements will be prepared.
	Probe func(ctx context.Context, db *sql.DB, prepares bool) (pooled bool, err error)

	// Unprepared says that drivers can send a statement with its parameters at once, so that nothing needs to be prepared, see
	// [Prepare].
	Unprepared bool

	// ReadOnly reports whether err says that the server, or the transaction, only reads, and has changed nothing. The call
	// is tried again over another connection. OnlyReads asks for the same without parameters: a row says yes. It may end the
	// connection by the way, since database/sql only gives it back where it is one of a pool below, as pgxpool's. Nil
	// and "" mean that there is no such thing.
	ReadOnly  func(err error) bool
	OnlyReads string

	// Stale reports whether err says that a prepared statement does not fit the table any more, and that nothing was
	// changed. The statement is prepared again. Nil means that there is no such thing.
	Stale func(err error) bool

	// Watch calls gone with what the statements tell others on a channel, which is :channel, until ctx is done, and resync
	// as a [driver.Watcher] does: the id of a record that was removed, in hexadecimal, or "" for any number of
	// records. Nil means that nobody is told.
	Watch func(ctx context.Context, db *sql.DB, channel string, resync func(), gone func(payload string)) error

	// NoTable reports whether err says that there is no such table.
	NoTable func(err error) bool

	// Beego is for the table of beego's provider. Nil means that there is none.
	Beego *Beego

	head, live, data string // {head}, {live} and {data}, if the table is beego's
	unprepared       bool   // see [Prepare]
}

// Statements are templates. {table} is the quoted name of the table, {name} its bare name, for the names of
// indexes, and {index} the quoted name of the index of aliases where no table is named beside it. {now}, {hour} and
// {hours} are Now, HourNow and HourExpires of the dialect. {live} is the condition of a live record, {standing} that of one
// or of a mark. {head} is all columns but data, and {data} is the data, NULL if it is longer than :most, with its length.
// Parameters are
//
//	:ns :id :to          the namespace, a key, and the key that it is renamed to
//	:version             of the row before the change; of a new row 1, 0 for a reservation or -1 for a mark
//	:user :created :auth :expires :deadline :alias :meta :bucket :data
//	:mark :markexpires :markbucket   data, expires_at and gc_bucket of the mark that a rename leaves
//	:most                how many bytes of data are wanted at most
//	:shorten             1 to move expires_at earlier, otherwise 0
//	:lock :locknumber    a hash of a user, 32 bytes, and 8 of them as a number
//	:now                 of this process, in milliseconds
//	:channel             on which others are told of removals
//	{ids}                keys, as a list
type Statements struct {
	Insert  string // a row under a key that has none, or none that is live; no row if it has
	Replace string // the row under a key whose Insert was a duplicate, if it is not live
	Load    string // a live row, or a mark's
	Save    string // a live row at :version
	Touch   string // a live row, never earlier
	Delete  string // any version
	End     string // one version
	Rename  string // one version
	Vacate  string // what is not live, for Rename
	Mark    string // turns one version into a mark

	// RenameMark is Rename but for the mark that it leaves under :id, which must stand in it once. "" has Rename run, and then
	// Insert for the mark.
	RenameMark string

	Count string // the live rows
	List  string // a page after :id
	User  string // :user's live rows
	Alias string // the live rows of an :alias
	Page  string // the keys of a page after :id
	Clear string // what is after :id and up to :to

	Due      string // keys that a sweep has to look at
	Dying    string // the id and user_id of those that have expired of {ids}, locked where that can be done
	Expired  string // removes those that have expired of {ids}
	Lapsed   string // the same for reservations and marks
	Rebucket string // moves those that live on

	Lock  string // waits for the others who limit the same user
	Held  string // :user's live rows, reservations too
	Evict string // one of :user's records
}

// The sizes of pages and batches, which are part of the statements.
const (
	pageSize  = 500
	dueSize   = 10_000
	batchSize = 200
)

// Standard returns what all databases understand, except that Insert is a duplicate if the key is taken: see
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

// OnConflict ends an Insert of databases that know it. Insert is then no duplicate but changes no row if
// the key is taken.
const OnConflict = ` ON CONFLICT (ns, id) DO UPDATE SET version = excluded.version, user_id = excluded.user_id, ` +
	`created_at = excluded.created_at, auth_at = excluded.auth_at, expires_at = excluded.expires_at, ` +
	`deadline_at = excluded.deadline_at, alias = excluded.alias, meta = excluded.meta, ` +
	`gc_bucket = excluded.gc_bucket, data = excluded.data ` +
	`WHERE {table}.version = 0 OR {table}.expires_at <= {now}`

// columns are what the table has to have, and newColumns those that came with version 2.
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

// expand fills in what is in braces, but for {ids}.
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

// quoted quotes a name, or both parts of one with a dot. It has none but letters, digits and _.
func (d *Dialect) quoted(table string) string {
	q := string(d.Quote)
	return q + strings.ReplaceAll(table, ".", q+"."+q) + q
}

// withStored makes of a change of one version a query that says whether it was done, and otherwise
// has the live record.
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
