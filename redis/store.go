package redis

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/framing"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// A store is the [driver.Backend] of one namespace. A session is one string, encoded by [driver.Record.AppendBinary]. Redis
// expires it at the time that the record says, so that a load is one command.
type store struct {
	*client
	keys keys
	read func(ctx context.Context, name string, most int) (value []byte, err error)
}

// Create implements [driver.Backend].
func (s *store) Create(ctx context.Context, key string, rec *driver.Record) error {
	if !valid(key) {
		return errKey
	}
	created := *rec
	created.Version = 1
	value, err := encode(&created)
	if err != nil {
		return err
	}
	set := onceCall("set", s.keys.session(key), value, "nx", "pxat", millis(rec.Expires))
	if err := s.sendIndexed(ctx, "create", indexesOf(rec.User, rec.Alias), key, rec.Expires, set); err != nil {
		return err
	}
	if set.none() {
		return driver.ErrExists
	}
	rec.Version = 1
	return nil
}

// encode returns the value for a record.
func encode(rec *driver.Record) ([]byte, error) {
	value, err := rec.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return value, fits(value)
}

// fits returns an error for a value that is too long to be read back.
func fits(value []byte) error {
	if len(value) > maxString {
		return fmt.Errorf("session/redis: %w: %d bytes, %d allowed", driver.ErrTooLarge, len(value), maxString)
	}
	return nil
}

var errKey = errors.New("session/redis: a storage key must consist of letters, digits, - and _")

// Load implements [driver.Backend].
func (s *store) Load(ctx context.Context, key string, rec *driver.Record) error {
	if !valid(key) {
		return driver.ErrNotFound
	}
	name, most := s.keys.session(key), mostOf(rec.MaxData)
	value, err := s.read(ctx, name, most)
	var found driver.Record
	if err == nil {
		err = unmarshal(&found, value, 0)
	}
	if err == nil && !found.Live(time.Now()) { // an earlier version of this package has moved the expiry of the key alone
		found, err = s.loadExpiry(ctx, name, most)
	}
	switch {
	case err == nil:
		*rec = found
	case wrongType(err): // checked only here, because the check allocates
		return s.loadMark(ctx, name)
	}
	return err
}

// loadExpiry returns a record with the expiry of its key.
func (s *store) loadExpiry(ctx context.Context, name string, most int) (rec driver.Record, err error) {
	value, expires, err := s.get(ctx, name, most)
	switch {
	case err != nil:
		return rec, err
	case len(value) == 0: // a record is never empty: it was stored between the two commands
		return rec, driver.ErrNotFound
	}
	err = unmarshal(&rec, value, expires)
	return rec, err
}

// reading returns the command that reads a string. GETRANGE returns at most one byte more than allowed, so that anyone who
// can write to Redis cannot fill the memory of the processes that read.
func reading(ctx context.Context, name string, most int) *redis.StringCmd {
	return redis.NewStringCmd(ctx, "getrange", name, 0, most)
}

// bytesOf returns what a reading has read. For a missing string that is nothing, as for an empty one, which beego stores.
func bytesOf(read *redis.StringCmd, most int) ([]byte, error) {
	value, err := read.Bytes()
	if err == nil && len(value) > most {
		err = fmt.Errorf("session/redis: %w: a string of more than %d bytes", driver.ErrTooLarge, most)
	}
	return value, err
}

// recordOf returns the bytes of a record, of which there are never none.
func recordOf(read *redis.StringCmd, most int) ([]byte, error) {
	value, err := bytesOf(read, most)
	if err == nil && len(value) == 0 {
		err = driver.ErrNotFound
	}
	return value, err
}

// answered reports whether err is about the server's answer, so that asking again would change nothing.
func answered(err error) bool {
	return err == nil || errors.Is(err, driver.ErrNotFound) || errors.Is(err, driver.ErrTooLarge)
}

// record returns the bytes of a record if there are no more than most.
func (s *client) record(ctx context.Context, name string, most int) ([]byte, error) {
	var r rediscall.Retries
	for {
		read := reading(ctx, name, most)
		s.rdb.Process(ctx, read) // the error is in the command
		value, err := recordOf(read, most)
		switch {
		case answered(err):
			return value, err
		case !r.May(err, false), !r.Pause(ctx):
			return nil, fail(ctx, "load", err)
		}
	}
}

// get returns a string of most bytes or fewer, and when its key expires, -1 for never. The two may be from different
// moments; then the expiry is from the later one.
func (s *client) get(ctx context.Context, name string, most int) (value []byte, expires int64, err error) {
	var r rediscall.Retries
	for {
		read, until := reading(ctx, name, most), redis.NewIntCmd(ctx, "pexpiretime", name)
		pipe := s.pipeline()
		pipe.BatchProcess(ctx, read, until)
		s.run(ctx, pipe)
		if value, err = bytesOf(read, most); err == nil {
			expires, err = until.Result()
		}
		if err == nil && expires == -2 { // missing, or removed between the two commands
			err = driver.ErrNotFound
		}
		switch {
		case answered(err):
			return value, expires, err
		case !r.May(err, false), !r.Pause(ctx):
			return nil, 0, fail(ctx, "load", err)
		}
	}
}

// maxString is the maximum length of a string. It is one byte less than a connection allows, because one byte more than
// wanted is read.
const maxString = framing.MaxValue - 1

// mostOf returns the maximum length of the string of a record with maxData bytes of data; 0 means any number.
func mostOf(maxData int) int {
	if maxData == 0 || maxData > maxString-driver.RecordMaxHead {
		return maxString
	}
	return maxData + driver.RecordMaxHead
}

// unmarshal fills rec. expires is the result of PEXPIRETIME, 0 for the time that the record says.
func unmarshal(rec *driver.Record, value []byte, expires int64) error {
	var found driver.Record
	if err := found.UnmarshalBinary(value); err != nil {
		return fmt.Errorf("session/redis: %w", err)
	}
	if expires > 0 { // it is less if somebody has removed the expiry
		found.Expires = time.UnixMilli(expires)
	}
	*rec = found
	return nil
}

// Save implements [driver.Backend].
func (s *store) Save(ctx context.Context, key string, rec *driver.Record) error {
	if !valid(key) {
		return driver.ErrNotFound
	}
	saved := *rec
	saved.Version++
	value, err := encode(&saved)
	if err != nil {
		return err
	}
	indexes := indexesOf(rec.User, rec.Alias)
	names := append(make([]string, 0, 3), s.keys.session(key))
	args := append(make([]any, 0, 8), version(rec.Version), value, millis(rec.Expires), flag(rec.Shorten))
	var calls []*call
	switch {
	case len(indexes) == 0:
		args = append(args, flag(true))
	case s.ordered:
		counts, until := entryTimes(rec.Expires)
		args = append(args, flag(true), counts, until, key)
		for _, x := range indexes {
			names = append(names, s.keys.index(x))
		}
	default:
		// The indexes are on other servers. All calls go out at once, but a session that does not have these names yet
		// waits for them.
		calls, args = s.indexCalls(indexes, key, rec.Expires, rec.Shorten), append(args, flag(false))
	}
	save := saveScript.callOn(names, args...)
	if err = s.send(ctx, "save", append(calls, save)...); err == nil && save.cmd.Val() == int64(2) {
		args[len(args)-1] = flag(true)
		save = saveScript.callOn(names, args...)
		err = s.send(ctx, "save", save)
	}
	if err != nil {
		return err
	}
	was, err := outcome(save)
	if errors.Is(err, driver.ErrNotFound) && !s.ordered { // it is now in the indexes, where it would take a place
		s.leave(ctx, indexes, key)
	}
	if err != nil {
		return err
	}
	rec.Version++
	s.leave(ctx, was, key)
	return nil
}

// outcome reads the results that all scripts writing a record have in common. It returns the indexes that must be updated.
func outcome(c *call) (indexes []index, err error) {
	switch v := c.cmd.Val().(type) {
	case int64:
		if v == 0 {
			return nil, driver.ErrNotFound
		}
		return nil, nil
	case []any:
		if len(v) != 2 {
			break
		}
		first, ok := v[0].(string)
		if !ok {
			break
		}
		switch second := v[1].(type) {
		case string:
			return indexesOf(first, second), nil
		case int64:
			rec := new(driver.Record)
			if err := unmarshal(rec, []byte(first), second); err != nil {
				return nil, err
			}
			return nil, &driver.ConflictError{Record: rec}
		}
	}
	return nil, fmt.Errorf("session/redis: %w", rediscall.ErrUnexpected)
}

// Touch implements [driver.Backend].
func (s *store) Touch(ctx context.Context, key string, expires time.Time) error {
	if !valid(key) {
		return driver.ErrNotFound
	}
	touch := s.touch(key, expires, false)
	err := s.send(ctx, "touch", touch)
	if err != nil {
		return err
	}
	indexes, err := outcome(touch)
	if err != nil || indexes == nil {
		return err
	}
	touch = s.touch(key, expires, true)
	if err := s.sendIndexed(ctx, "touch", indexes, key, expires, touch); err != nil {
		return err
	}
	if _, err = outcome(touch); errors.Is(err, driver.ErrNotFound) {
		s.leave(ctx, indexes, key)
	}
	return err
}

// touch returns the call for a Touch. indexed says that the indexes have been extended.
func (s *store) touch(key string, expires time.Time, indexed bool) *call {
	return touchScript.call(s.keys.session(key), millis(expires), step.Milliseconds(), flag(indexed)).repeatable()
}

// Delete implements [driver.Backend].
func (s *store) Delete(ctx context.Context, key string, at uint64) error {
	err := driver.ErrNotFound
	if valid(key) {
		err = s.remove(ctx, key, at, nil)
	}
	if at == 0 && errors.Is(err, driver.ErrNotFound) {
		return nil
	}
	return err
}

// remove removes a record. If mark is not nil, the mark replaces it.
func (s *store) remove(ctx context.Context, key string, at uint64, mark *driver.Mark) error {
	var want any = ""
	if at != 0 {
		want = version(at)
	}
	name, value, expires := s.keys.session(key), []byte{}, int64(0)
	if mark != nil {
		value, expires = mark.Record().Data, millis(mark.Expires)
	}
	c := deleteScript.call(name, want, s.keys.channel(), key, value, expires)
	c.once = at != 0 || mark != nil
	if err := s.sendWaiting(ctx, name, c); err != nil {
		return err
	}
	if c.cmd.Val() == int64(2) {
		return driver.ErrExists
	}
	was, err := outcome(c)
	s.tidy(ctx, s.forgetCalls(was, key))
	return err
}

// version returns n as it is encoded in a record.
func version(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// millis returns a time in Redis' unit. It returns no time before 1970.
func millis(t time.Time) int64 { return max(t.UnixMilli(), 1) }

// flag returns a constant, which takes no allocation to become an argument.
func flag(set bool) any {
	if set {
		return "1"
	}
	return "0"
}
