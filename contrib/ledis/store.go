package ledis

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/framing"
	"github.com/seed1a8f7c28/session/internal/naming"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// A store is the [driver.Backend] of one namespace. A session is one value: which names it has, their hashes, and the
// record as [driver.Record.AppendBinary] encodes it. So a script finds the entries of a session in the session itself. A
// mark is a value of the same form, in the same place.
//
// Each name of a session has one entry. It is a value of its own, whose name consists of the hash of the session's name
// and its storage key. The entries of a user lie next to each other in LedisDB, which keeps keys in order.
type store struct {
	*client
	prefix string // how all names of the namespace begin
}

var (
	_ driver.Marker      = (*store)(nil)
	_ driver.Renamer     = (*store)(nil)
	_ driver.Counter     = (*store)(nil)
	_ driver.Lister      = (*store)(nil)
	_ driver.UserLister  = (*store)(nil)
	_ driver.AliasLister = (*store)(nil)
	_ driver.UserLimiter = (*store)(nil)
	_ driver.Clearer     = (*store)(nil)
	_ driver.Pinger      = (*store)(nil)
)

func newStore(c *client, namespace string) *store {
	return &store{c, naming.Namespace(namespace) + ":"}
}

// session returns the name of a session's value.
func (s *store) session(key string) string { return s.prefix + "s:" + key }

// index returns how the names of the entries of a user ("u") or an alias ("a") begin.
func (s *store) index(letter, name string) string {
	return s.prefix + letter + ":" + hashOf(name) + ":"
}

// entries returns the names of a session's entries.
func (s *store) entries(rec *driver.Record, key string) (names []string) {
	if rec.User != "" {
		names = append(names, s.index("u", rec.User)+key)
	}
	if rec.Alias != "" {
		names = append(names, s.index("a", rec.Alias)+key)
	}
	return names
}

// hashOf returns the SHA-256 of a name, in 43 characters.
func hashOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const (
	hashSize = 43
	// maxLead is how long the part before the record can be.
	maxLead = 1 + 2*hashSize
	// maxString is the maximum length of a value. It is one byte less than a connection allows, because one byte more than
	// wanted is read.
	maxString = framing.MaxValue - 1
	// maxKey is an upper limit well above the 43 characters of a storage key.
	maxKey = 256
)

// encode returns the value for a record.
func encode(rec *driver.Record) (string, error) {
	lead := make([]byte, 1, maxLead+rec.BinarySize())
	lead[0] = '0'
	if rec.User != "" {
		lead[0]++
		lead = append(lead, hashOf(rec.User)...)
	}
	if rec.Alias != "" {
		lead[0] += 2
		lead = append(lead, hashOf(rec.Alias)...)
	}
	value, err := rec.AppendBinary(lead)
	if err == nil {
		err = fits(len(value))
	}
	return string(value), err
}

// fits returns an error for a value that is too long to be read back.
func fits(length int) error {
	if length > maxString {
		return fmt.Errorf("session/ledis: %w: %d bytes, %d allowed", driver.ErrTooLarge, length, maxString)
	}
	return nil
}

// leadOf returns the length of the part before the record, or 0 if value does not begin with one.
func leadOf(value string) int {
	if value == "" || value[0] < '0' || value[0] > '3' {
		return 0
	}
	return 1 + hashSize*bits.OnesCount8(value[0]-'0')
}

// decode returns the record in a value. Every error wraps ErrCorrupt.
func decode(value string) (*driver.Record, error) {
	rec, err := new(driver.Record), fmt.Errorf("%w: not a record of this version", driver.ErrCorrupt)
	if lead := leadOf(value); 0 < lead && lead <= len(value) {
		err = rec.UnmarshalBinary([]byte(value[lead:]))
	}
	if err != nil {
		return nil, fmt.Errorf("session/ledis: %w", err)
	}
	return rec, nil
}

var errKey = errors.New("session/ledis: a storage key must consist of letters, digits, - and _")

// valid reports whether key can be a storage key. Other keys are never sent in a command.
func valid(key string) bool { return len(key) <= maxKey && naming.ValidKey(key) }

// version returns n as it is encoded in a record.
func version(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// flag returns what scripts compare with '1'.
func flag(set bool) string {
	if set {
		return "1"
	}
	return "0"
}

// result returns the error for an answer.
func result(a answer) error {
	switch a.code {
	case done:
		return nil
	case missing:
		return driver.ErrNotFound
	case exists:
		return driver.ErrExists
	case corrupt:
		return fmt.Errorf("session/ledis: %w: not a record of this version", driver.ErrCorrupt)
	case conflict:
		rec, err := decode(a.value)
		if err != nil {
			return err
		}
		return &driver.ConflictError{Record: rec}
	}
	return fmt.Errorf("session/ledis: %w", rediscall.ErrUnexpected)
}

// change runs a script and returns the error that its answer stands for.
func (s *store) change(ctx context.Context, c call) error {
	a, err := s.run(ctx, c)
	if err == nil {
		err = result(a)
	}
	return err
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
	if err := s.change(ctx, call{
		op: "create", script: createScript, keys: append([]string{s.session(key)}, s.entries(rec, key)...),
		args: []any{value, moment(rec.Expires)},
	}); err != nil {
		return err
	}
	rec.Version = 1
	return nil
}

// Load implements [driver.Backend].
func (s *store) Load(ctx context.Context, key string, rec *driver.Record) error {
	if !valid(key) {
		return driver.ErrNotFound
	}
	most := mostOf(rec.MaxData)
	value, err := s.head(ctx, "load", s.session(key), most)
	switch {
	case err != nil:
		return err
	case value == "":
		return driver.ErrNotFound
	case len(value) > most:
		return fmt.Errorf("session/ledis: %w: a value of more than %d bytes", driver.ErrTooLarge, most)
	}
	found, err := decode(value)
	if err != nil {
		return err
	}
	mark, marked := found.Mark()
	switch {
	case !found.Live(time.Now()):
		return driver.ErrNotFound
	case marked:
		return &driver.MarkedError{Mark: mark}
	}
	*rec = *found
	return nil
}

// head returns the first most+1 bytes of a value, "" if there is none. A value is never empty. LedisDB then sends no more
// than that, so that anyone who can write to it cannot fill the memory of the processes that read.
func (s *client) head(ctx context.Context, op, name string, most int) (string, error) {
	var read *redis.StringCmd
	err := s.read(ctx, op, func() []redis.Cmder {
		read = redis.NewStringCmd(ctx, "getrange", name, 0, most)
		return []redis.Cmder{read}
	})
	return read.Val(), err
}

// mostOf returns the maximum length of the value of a record with maxData bytes of data; 0 means any number.
func mostOf(maxData int) int {
	if maxData == 0 || maxData > maxString-driver.RecordMaxHead-maxLead {
		return maxString
	}
	return maxData + driver.RecordMaxHead + maxLead
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
	if err := s.change(ctx, call{
		op: "save", script: saveScript, keys: append([]string{s.session(key)}, s.entries(rec, key)...),
		args: []any{version(rec.Version), value, moment(rec.Expires), flag(rec.Shorten), s.prefix, key},
	}); err != nil {
		return err
	}
	rec.Version++
	return nil
}

// Touch implements [driver.Backend].
func (s *store) Touch(ctx context.Context, key string, expires time.Time) error {
	if !valid(key) {
		return driver.ErrNotFound
	}
	return s.change(ctx, call{
		op: "touch", script: touchScript, keys: []string{s.session(key)},
		args: []any{moment(expires), s.prefix, key}, again: true,
	})
}

// Delete implements [driver.Backend].
func (s *store) Delete(ctx context.Context, key string, at uint64) error {
	err := driver.ErrNotFound
	if valid(key) {
		err = s.remove(ctx, "delete", key, at, driver.Mark{})
	}
	if at == 0 && errors.Is(err, driver.ErrNotFound) {
		return nil
	}
	return err
}

// Mark implements [driver.Marker].
func (s *store) Mark(ctx context.Context, key string, at uint64, mark driver.Mark) error {
	switch {
	case valid(key):
		return s.remove(ctx, "mark", key, at, mark)
	case at == 0:
		return errKey
	}
	return driver.ErrNotFound
}

// remove removes a record. If mark has a Kind, the mark replaces the record.
func (s *store) remove(ctx context.Context, op, key string, at uint64, mark driver.Mark) error {
	want := ""
	if at != 0 {
		want = version(at)
	}
	left, err := markValue(mark)
	if err != nil {
		return err
	}
	return s.change(ctx, call{
		op: op, script: deleteScript, keys: []string{s.session(key)},
		args:  []any{want, left, moment(mark.Expires), s.prefix, key},
		again: at == 0 && left == "",
	})
}

// markValue returns the value for a mark, "" for none.
func markValue(mark driver.Mark) (string, error) {
	if mark.Kind == 0 {
		return "", nil
	}
	return encode(mark.Record())
}

// Rename implements [driver.Renamer].
func (s *store) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	switch {
	case !valid(newKey):
		return errKey
	case !valid(oldKey):
		return driver.ErrNotFound
	}
	created := *rec
	created.Version = 1
	value, err := encode(&created)
	if err != nil {
		return err
	}
	left, err := markValue(mark)
	if err != nil {
		return err
	}
	if err := s.change(ctx, call{
		op: "rename", script: renameScript,
		keys: append([]string{s.session(oldKey), s.session(newKey)}, s.entries(rec, newKey)...),
		args: []any{version(oldVersion), value, moment(rec.Expires), left, moment(mark.Expires), s.prefix, oldKey},
	}); err != nil {
		return err
	}
	rec.Version = 1
	return nil
}
