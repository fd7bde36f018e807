package sql

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/merge"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// A store is the [driver.Backend] of one namespace in one table.
type store struct {
	db        Pool
	owned     bool // whether Close closes db
	resends   bool // whether db itself sends a statement again after a lost connection, as database/sql does
	dialect   *Dialect
	table     string
	namespace string
	ns        any    // the namespace as a parameter
	channel   string // the channel for announcing removals
	beego     bool
	pooled    bool // see Dialect.Probe
	maxData   int

	writer  chan struct{} // full while somebody writes; nil if several may write at once
	weeding chan struct{} // full while a weed is running
	weeds   atomic.Int64  // how many weeds have begun

	insert, replace, load, save, touch, delete, end, rename, vacate *statement
	mark, renameMark                                                *statement
	count, list, user, alias, page, clear                           *statement
	due, dying, expired, lapsed, rebucket                           *statement
	lock, heldBy, evict                                             *statement
	all                                                             []*statement
}

func newStore(db Pool, d *Dialect, table, namespace string) *store {
	_, resends := db.(*dbPool)
	s := &store{
		db: db, resends: resends, dialect: d, table: table, namespace: namespace, ns: d.text(namespace),
		channel: channelOf(table, namespace), maxData: maxData,
		weeding: make(chan struct{}, 1),
	}
	if d.OneWriter {
		s.writer = make(chan struct{}, 1)
	}
	is := d.Statements
	if d.Returning {
		is.Save, is.End, is.Mark = is.withStored(is.Save), is.withStored(is.End), is.withStored(is.Mark)
		if d.head != "" { // beego's table, whose Rename is a plain UPDATE
			is.Rename = is.withStored(is.Rename)
		}
	}
	for to, template := range map[**statement]string{
		&s.insert: is.Insert, &s.replace: is.Replace, &s.load: is.Load, &s.save: is.Save, &s.touch: is.Touch,
		&s.delete: is.Delete, &s.end: is.End, &s.rename: is.Rename, &s.vacate: is.Vacate,
		&s.mark: is.Mark, &s.renameMark: is.RenameMark,
		&s.count: is.Count, &s.list: is.List, &s.user: is.User, &s.alias: is.Alias, &s.page: is.Page, &s.clear: is.Clear,
		&s.due: is.Due, &s.dying: is.Dying, &s.expired: is.Expired, &s.lapsed: is.Lapsed, &s.rebucket: is.Rebucket,
		&s.lock: is.Lock, &s.heldBy: is.Held, &s.evict: is.Evict,
	} {
		*to = newStatement(d, table, template)
		s.all = append(s.all, *to)
	}
	return s
}

// Close implements [io.Closer]. It does not close an application's own pool.
func (s *store) Close() error {
	if s.owned {
		return s.db.Close()
	}
	if db, ok := s.db.(*dbPool); ok {
		db.forget()
	}
	return nil
}

// Ping implements [driver.Pinger]. A ping tries only one connection, which leaves the pool if it was lost. After a restart of the
// server all idle connections are lost.
func (s *store) Ping(ctx context.Context) error {
	ping := func() error { return s.db.Ping(ctx) }
	for range s.db.Idle() {
		if err := ping(); err == nil || !s.lost(err) {
			return s.fail(ctx, "ping", err)
		}
	}
	return s.fail(ctx, "ping", s.read(ctx, ping))
}

// The limits of what all databases store without truncation: the user is in an index, and MySQL's column for the data ends
// at 16 MiB.
const (
	maxUser = 400
	maxData = 16<<20 - 1
)

func checkUser(user string) error { return tooLarge("the user's name has", len(user), maxUser) }

func checkSize(rec *driver.Record) error {
	return cmp.Or(tooLarge("the values have", len(rec.Data), maxData), checkUser(rec.User),
		tooLarge("the alias has", len(rec.Alias), driver.MaxAlias), tooLarge("the metadata has", len(rec.Meta), driver.MaxMeta))
}

func tooLarge(what string, size, most int) error {
	if size <= most {
		return nil
	}
	return fmt.Errorf("%w: %s more than %d bytes", driver.ErrTooLarge, what, most)
}

// Create implements [driver.Backend]. It sends the record once: if it were sent again, the first one, which the server may get late,
// could bring the session back after it was ended. If no answer comes, Create looks whether the record is there.
func (s *store) Create(ctx context.Context, key string, rec *driver.Record) error {
	if err := checkSize(rec); err != nil {
		return err
	}
	p := &params{id: s.id(key), version: s.first(rec), rec: rec, creates: true}
	err := s.once(ctx, func() error { return s.put(ctx, nil, p) })
	if err != nil && p.sent > 0 && s.lost(err) {
		if errors.Is(err, errNoAnswer) {
			err = errNoAnswer // database/sql has added what it was doing
		}
		if stored, _ := s.isStored(ctx, p.id, p.version, rec); stored {
			err = nil
		}
		s.weed(ctx) // the next creation must not meet the next lost connection
	}
	if err != nil {
		return s.fail(ctx, "create", err)
	}
	rec.Version = p.version
	return nil
}

// errNoAnswer says that a creation got no answer. Nobody can say whether the server will still get it.
var errNoAnswer = errors.New("the connection was lost before the server had answered")

// put stores a row if there is neither a live record nor a mark. A row that expires meanwhile does not make it fail.
func (s *store) put(ctx context.Context, tx Tx, p *params) error {
	for try := 0; ; try++ {
		n, err := s.exec(ctx, tx, s.insert, p)
		if err == nil && n > 0 {
			return nil
		}
		if err == nil {
			return driver.ErrExists
		}
		if !s.dialect.Duplicate(err) {
			return err
		}
		if n, err = s.exec(ctx, tx, s.replace, p); err != nil || n > 0 {
			return err
		}
		var found driver.Record
		err = s.stands(ctx, tx, p.id, &found)
		if _, marked := errors.AsType[*driver.MarkedError](err); marked || err == nil {
			return driver.ErrExists
		}
		if !errors.Is(err, driver.ErrNotFound) {
			return err
		}
		p.sent-- // replace has changed nothing
		if !pause.For(ctx, backoff(try)) {
			return ctx.Err()
		}
	}
}

// Load implements [driver.Backend].
func (s *store) Load(ctx context.Context, key string, rec *driver.Record) error {
	return s.fail(ctx, "load", s.read(ctx, func() error { return s.stands(ctx, nil, s.id(key), rec) }))
}

// find fills rec with the live record.
func (s *store) find(ctx context.Context, tx Tx, id []byte, rec *driver.Record) error {
	err := s.stands(ctx, tx, id, rec)
	if _, marked := errors.AsType[*driver.MarkedError](err); marked {
		return driver.ErrNotFound
	}
	return err
}

// stands fills rec with the live record, or returns a [*driver.MarkedError] with the mark in its place.
func (s *store) stands(ctx context.Context, tx Tx, id []byte, rec *driver.Record) error {
	var q struct { // one allocation
		r row
		p params
	}
	q.p = params{id: id, maxData: rec.MaxData}
	text := s.load.text()
	err := s.on(tx).QueryRow(ctx, text, s.load.args(s, &q.p), q.r.whole())
	if errors.Is(err, sql.ErrNoRows) {
		return driver.ErrNotFound
	}
	if err != nil {
		s.load.failed(s.dialect, text, err)
		return err
	}
	found := q.r.record()
	if mark, ok := found.Mark(); ok {
		return &driver.MarkedError{Mark: mark}
	}
	if rec.MaxData > 0 && q.r.size.Int64 > int64(rec.MaxData) {
		return tooLarge("the values have", int(q.r.size.Int64), rec.MaxData)
	}
	*rec = found
	return nil
}

// Save implements [driver.Backend].
func (s *store) Save(ctx context.Context, key string, rec *driver.Record) error {
	if err := checkSize(rec); err != nil {
		return err
	}
	p := &params{id: s.id(key), version: rec.Version, rec: rec}
	err := s.change(ctx, s.save, p)
	if conflict, ok := errors.AsType[*driver.ConflictError](err); ok && p.sent > 1 {
		err = s.resent(conflict, rec)
	} else if errors.Is(err, driver.ErrNotFound) && p.sent > 1 { // others may have ended what this call has saved
		err = errUnclear
	}
	if err != nil {
		return s.fail(ctx, "save", err)
	}
	rec.Version = s.next(rec)
	return nil
}

// resent handles a conflict of a save that was sent more than once: that save itself may have stored the other version. A
// save that may have succeeded must not end as a conflict, or it would be made twice.
func (s *store) resent(conflict *driver.ConflictError, rec *driver.Record) error {
	if s.beego { // another save of the same values cannot be distinguished from this one
		return errUnclear
	}
	is := conflict.Record
	switch merge.FateOf(is, rec.Version, rec.Expires, false, s.same(is, s.next(rec), rec)) {
	case merge.Made:
		return nil
	case merge.Pending, merge.Refused:
		return conflict
	}
	return errUnclear
}

// same reports whether the stored record is equals rec as it was sent, at the given version. Its deadline may have been
// moved later since.
func (s *store) same(is *driver.Record, version uint64, rec *driver.Record) bool {
	if s.beego {
		return is.Version == version && is.Expires.UnixMilli() >= rec.Expires.UnixMilli()
	}
	return is.Version == version && is.User == rec.User && is.Alias == rec.Alias &&
		bytes.Equal(is.Meta, rec.Meta) && bytes.Equal(is.Data, rec.Data) &&
		is.Created.UnixMilli() == rec.Created.UnixMilli() && is.AuthTime.UnixMilli() == rec.AuthTime.UnixMilli() &&
		is.Expires.UnixMilli() >= rec.Expires.UnixMilli()
}

// isStored reports whether rec is stored under id as it was sent. That there is no record is not an error.
func (s *store) isStored(ctx context.Context, id []byte, version uint64, rec *driver.Record) (bool, error) {
	var is driver.Record
	err := s.read(ctx, func() error { return s.find(ctx, nil, id, &is) })
	if errors.Is(err, driver.ErrNotFound) {
		return false, nil
	}
	return err == nil && s.same(&is, version, rec), err
}

// change runs a change of the record at p.version. If the stored version differs, it returns the error for that.
func (s *store) change(ctx context.Context, st *statement, p *params) error {
	for {
		done, is, err := false, (*driver.Record)(nil), error(nil)
		err = s.do(ctx, func() (err error) {
			done, is, err = s.try(ctx, st, p)
			return err
		})
		if err == nil && !done && is != nil && is.Version == p.version { // read as of the beginning of the try
			is = new(driver.Record)
			err = s.read(ctx, func() error { return s.find(ctx, nil, p.id, is) })
		}
		switch {
		case err != nil || done:
			return err
		case is == nil:
			return driver.ErrNotFound
		case s.beego && is.Version == p.version && st == s.save && s.same(is, s.next(p.rec), p.rec):
			return nil // MySQL counts no row if values and second of the save are unchanged
		case is.Version != p.version:
			return &driver.ConflictError{Record: is}
		}
		p.sent-- // it has changed nothing
	}
}

// try makes the change. If it cannot, it returns the live record, if there is one.
func (s *store) try(ctx context.Context, st *statement, p *params) (done bool, is *driver.Record, err error) {
	if s.dialect.Returning {
		return s.changeOrFind(ctx, nil, st, p)
	}
	if n, err := s.exec(ctx, nil, st, p); err != nil || n > 0 {
		return n > 0, nil, err
	}
	is = new(driver.Record)
	err = s.read(ctx, func() error { return s.find(ctx, nil, p.id, is) })
	if err != nil && !errors.Is(err, driver.ErrNotFound) {
		p.sent-- // it has changed nothing, and may be sent again
	}
	return false, is, err
}

// changeOrFind runs statements made by withStored. tx may be nil.
func (s *store) changeOrFind(
	ctx context.Context, tx Tx, st *statement, p *params,
) (done bool, is *driver.Record, err error) {
	var r row
	text, before := st.text(), p.sent
	err = s.on(tx).QueryRow(ctx, text, st.args(s, p), r.changed())
	s.sent(p, before, err)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil, nil
	}
	if err != nil || r.done == 1 {
		st.failed(s.dialect, text, err)
		return err == nil, nil, err
	}
	rec := r.record()
	return false, &rec, nil
}

// Touch implements [driver.Backend]. It writes nothing if the deadline is already that late.
func (s *store) Touch(ctx context.Context, key string, expires time.Time) error {
	p := &params{id: s.id(key), expires: expires}
	err := s.read(ctx, func() error {
		if n, err := s.exec(ctx, nil, s.touch, p); err != nil || n > 0 {
			return err
		}
		var is driver.Record
		return s.find(ctx, nil, p.id, &is)
	})
	return s.fail(ctx, "touch", err)
}

var errUnclear = errors.New("the connection was lost, and the record is gone or changed, possibly by this call")

// Delete implements [driver.Backend].
func (s *store) Delete(ctx context.Context, key string, version uint64) error {
	p := &params{id: s.id(key), version: version}
	if version != 0 {
		err := s.change(ctx, s.end, p)
		if errors.Is(err, driver.ErrNotFound) && p.sent > 1 {
			err = errUnclear
		}
		return s.fail(ctx, "delete", err)
	}
	return s.fail(ctx, "delete", s.read(ctx, func() error {
		_, err := s.exec(ctx, nil, s.delete, p)
		return err
	}))
}
