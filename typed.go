package session

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
)

// Get returns the value under key as a T. If there is none, the error is [ErrNoValue]; if it has another type, the error is
// a [*TypeError]: a value that is stored as an int64 is not an int. The json codec does not know Go's types, so there the
// value is decoded into a T as [json.Unmarshal] does. The result belongs to the caller. s is a *Session or the Store of a
// third-party provider, where a nil value is treated as missing.
func Get[T any](ctx context.Context, s Store, key any) (T, error) {
	sess, ok := s.(*Session)
	if ok {
		return read(ctx, sess, key, asIs[T])
	}
	var none T
	v := s.Get(orBackground(ctx), key)
	if v == nil {
		return none, ErrNoValue
	}
	return asIs[T](v, false)
}

// Update is [Session.Update] for a value of type T. fn gets the value as [Get] returns it, also with the json codec, or the
// zero T if there is none. If fn returns a nil T, of a pointer, map, slice or interface type, the value is removed. If the
// value has another type, the error is a [*TypeError] and nothing is changed. On the Store of a third-party provider Update
// is a Get and a Set, and other requests may change the value between them.
func Update[T any](ctx context.Context, s Store, key any, fn func(old T) (T, error)) error {
	sess, ok := s.(*Session)
	if ok {
		return sess.Update(ctx, key, func(old any) (any, error) { return updated(old, sess.m.losesTypes, fn) })
	}
	ctx = orBackground(ctx)
	value, err := updated(s.Get(ctx, key), false, fn)
	switch {
	case err != nil:
		return err
	case value == nil:
		return s.Delete(ctx, key)
	}
	return s.Set(ctx, key, value)
}

// updated returns what fn makes of a value, or nil if that is no value.
func updated[T any](old any, inJSON bool, fn func(old T) (T, error)) (any, error) {
	var t T
	if old != nil {
		var err error
		if t, err = asIs[T](old, inJSON); err != nil {
			return nil, err
		}
	}
	t, err := fn(t)
	if v := reflect.ValueOf(&t).Elem(); err != nil || v.IsZero() && isNilable(v.Kind()) {
		return nil, err
	}
	return t, nil
}

// isNilable reports whether values of this kind can be nil, and are stored if they are not. A nil of an interface type is
// nil as an any.
func isNilable(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Map || k == reflect.Slice
}

// A TypeError says that a value does not have the requested type or does not fit into it. It shows neither the value nor
// its key.
type TypeError struct {
	Stored reflect.Type // the type of the value; nil for a nil value
	Wanted reflect.Type // the type that was requested
	// Unfit says that the value is a number, or the text of one, but that Wanted cannot hold it.
	Unfit bool
}

// Error names the two types and not the value.
func (e *TypeError) Error() string {
	stored := "nil"
	if e.Stored != nil {
		stored = e.Stored.String()
	}
	if e.Unfit {
		return fmt.Sprintf("session: the value, of type %s, does not fit into %v", stored, e.Wanted)
	}
	return fmt.Sprintf("session: the value is of type %s, not %v", stored, e.Wanted)
}

// read returns what convert makes of the value under key. inJSON says that the codec does not keep types.
func read[T any](ctx context.Context, s *Session, key any, convert func(v any, inJSON bool) (T, error)) (T, error) {
	v, ok, err := s.look(ctx, key)
	if err == nil && !ok {
		err = ErrNoValue
	}
	if err != nil {
		var none T
		return none, err
	}
	return convert(v, s.m.losesTypes)
}

// asIs returns v if it is a T.
func asIs[T any](v any, inJSON bool) (T, error) {
	if t, ok := v.(T); ok {
		return t, nil
	}
	var t, none T
	wanted := reflect.TypeFor[T]()
	if v == nil && wanted.Kind() == reflect.Interface {
		return none, nil
	}
	if inJSON && v != nil {
		if text, err := json.Marshal(v); err == nil && json.Unmarshal(text, &t) == nil {
			return t, nil
		}
	}
	return none, &TypeError{Stored: reflect.TypeOf(v), Wanted: wanted}
}

// readOr is read that returns value where there is none or it cannot be converted. An error of reading is reported.
func readOr[T any](ctx context.Context, s *Session, key any, value T, convert func(v any, inJSON bool) (T, error)) T {
	v, ok, err := s.look(ctx, key)
	if err != nil {
		s.unread(ctx, err)
	}
	if err != nil || !ok {
		return value
	}
	if t, err := convert(v, s.m.losesTypes); err == nil {
		return t
	}
	return value
}

// GetString returns the string under key. Errors are those of [Get]: [ErrNoValue] or a [*TypeError].
func (s *Session) GetString(ctx context.Context, key any) (string, error) {
	return read(ctx, s, key, asIs[string])
}

// GetStringDefault is [Session.GetString], except that it returns value instead of an error. A value that cannot be read is
// reported to ErrorHandler and Logger.
func (s *Session) GetStringDefault(ctx context.Context, key any, value string) string {
	return readOr(ctx, s, key, value, asIs[string])
}

// GetInt returns the integer under key. The stored value can be of any integer type, a float without a fraction, or a
// string of decimal digits. If there is no value, the error is [ErrNoValue]. If it is not an integer, or an int cannot hold
// it, the error is a [*TypeError].
func (s *Session) GetInt(ctx context.Context, key any) (int, error) {
	return read(ctx, s, key, asInteger[int])
}

// GetIntDefault is [Session.GetInt], except that it returns value instead of an error. A value that cannot be read is
// reported to ErrorHandler and Logger.
func (s *Session) GetIntDefault(ctx context.Context, key any, value int) int {
	return readOr(ctx, s, key, value, asInteger[int])
}

// GetInt64 is GetInt for an int64.
func (s *Session) GetInt64(ctx context.Context, key any) (int64, error) {
	return read(ctx, s, key, asInteger[int64])
}

// GetInt64Default is [Session.GetInt64], except that it returns value instead of an error. A value that cannot be read is
// reported to ErrorHandler and Logger.
func (s *Session) GetInt64Default(ctx context.Context, key any, value int64) int64 {
	return readOr(ctx, s, key, value, asInteger[int64])
}

// GetUint64 is GetInt for a uint64. Negative numbers do not fit.
func (s *Session) GetUint64(ctx context.Context, key any) (uint64, error) {
	return read(ctx, s, key, asInteger[uint64])
}

// GetUint64Default is [Session.GetUint64], except that it returns value instead of an error. A value that cannot be read is
// reported to ErrorHandler and Logger.
func (s *Session) GetUint64Default(ctx context.Context, key any, value uint64) uint64 {
	return readOr(ctx, s, key, value, asInteger[uint64])
}

// GetFloat64 returns the number under key. The stored value can be a float of either type, an integer that a float64 holds
// exactly, or a string that [strconv.ParseFloat] reads. With the json codec, where a float can look like an integer,
// integers are rounded. Errors are those of GetInt.
func (s *Session) GetFloat64(ctx context.Context, key any) (float64, error) {
	return read(ctx, s, key, asFloat[float64])
}

// GetFloat64Default is [Session.GetFloat64], except that it returns value instead of an error. A value that cannot be read
// is reported to ErrorHandler and Logger.
func (s *Session) GetFloat64Default(ctx context.Context, key any, value float64) float64 {
	return readOr(ctx, s, key, value, asFloat[float64])
}

// GetFloat32 is GetFloat64 for a float32. A float64 is rounded; one that is too large does not fit.
func (s *Session) GetFloat32(ctx context.Context, key any) (float32, error) {
	return read(ctx, s, key, asFloat[float32])
}

// GetFloat32Default is [Session.GetFloat32], except that it returns value instead of an error. A value that cannot be read
// is reported to ErrorHandler and Logger.
func (s *Session) GetFloat32Default(ctx context.Context, key any, value float32) float32 {
	return readOr(ctx, s, key, value, asFloat[float32])
}

// GetBool returns the bool under key. Neither 1 nor "true" is a bool. Errors are those of [Get].
func (s *Session) GetBool(ctx context.Context, key any) (bool, error) {
	return read(ctx, s, key, asIs[bool])
}

// GetBoolDefault is [Session.GetBool], except that it returns value instead of an error. A value that cannot be read is
// reported to ErrorHandler and Logger.
func (s *Session) GetBoolDefault(ctx context.Context, key any, value bool) bool {
	return readOr(ctx, s, key, value, asIs[bool])
}

// GetBytes returns a copy of the []byte under key. The json codec stores bytes in base64, so that with it any string in
// base64 is a []byte. Errors are those of [Get].
func (s *Session) GetBytes(ctx context.Context, key any) ([]byte, error) {
	return read(ctx, s, key, asIs[[]byte])
}

// GetBytesDefault is [Session.GetBytes], except that it returns value instead of an error. A value that cannot be read is
// reported to ErrorHandler and Logger.
func (s *Session) GetBytesDefault(ctx context.Context, key any, value []byte) []byte {
	return readOr(ctx, s, key, value, asIs[[]byte])
}

// GetTime returns the time under key. The json codec stores it in the form of RFC 3339. Errors are those of [Get].
func (s *Session) GetTime(ctx context.Context, key any) (time.Time, error) {
	return read(ctx, s, key, asIs[time.Time])
}

// GetTimeDefault is [Session.GetTime], except that it returns value instead of an error. A value that cannot be read is
// reported to ErrorHandler and Logger.
func (s *Session) GetTimeDefault(ctx context.Context, key any, value time.Time) time.Time {
	return readOr(ctx, s, key, value, asIs[time.Time])
}

// A number is how the getters of numbers see a stored value.
type number struct {
	neg   bool
	abs   uint64 // of an integer
	whole bool   // it is one, and abs holds it
	float float64
	known bool // it is a number at all
}

// numberOf reads a value of any basic numeric type, or text, as go-sessions does.
func numberOf(v any) number {
	switch v := v.(type) {
	case int:
		return wholeNumber(int64(v))
	case int8:
		return wholeNumber(int64(v))
	case int16:
		return wholeNumber(int64(v))
	case int32:
		return wholeNumber(int64(v))
	case int64:
		return wholeNumber(v)
	case uint:
		return naturalNumber(uint64(v))
	case uint8:
		return naturalNumber(uint64(v))
	case uint16:
		return naturalNumber(uint64(v))
	case uint32:
		return naturalNumber(uint64(v))
	case uint64:
		return naturalNumber(v)
	case float32:
		return floatNumber(float64(v))
	case float64:
		return floatNumber(v)
	case string:
		return textNumber(v)
	case json.Number:
		return textNumber(v.String())
	}
	return number{}
}

func wholeNumber(i int64) number {
	n := naturalNumber(uint64(i))
	if n.neg = i < 0; n.neg {
		n.abs, n.float = -n.abs, float64(i)
	}
	return n
}

func naturalNumber(u uint64) number {
	return number{abs: u, whole: true, float: float64(u), known: true}
}

func floatNumber(f float64) number {
	n := number{neg: f < 0, float: f, known: true}
	if abs := math.Abs(f); abs < 1<<64 && abs == math.Trunc(abs) {
		n.abs, n.whole = uint64(abs), true
	}
	return n
}

func textNumber(text string) number {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return wholeNumber(i)
	}
	if u, err := strconv.ParseUint(text, 10, 64); err == nil {
		return naturalNumber(u)
	}
	f, err := strconv.ParseFloat(text, 64)
	n := floatNumber(f)
	n.known = err == nil
	return n
}

// asInteger returns v as a T, if it is an integer that fits.
func asInteger[T integer](v any, _ bool) (T, error) {
	if t, ok := v.(T); ok {
		return t, nil
	}
	n := numberOf(v)
	t := T(n.abs)
	if n.neg {
		t = -t
	}
	if fits := t == 0 || (t < 0) == n.neg; n.whole && n.known && fits && magnitude(t) == n.abs {
		return t, nil
	}
	return 0, &TypeError{Stored: reflect.TypeOf(v), Wanted: reflect.TypeFor[T](), Unfit: n.known}
}

func magnitude[T integer](t T) uint64 {
	if t < 0 {
		return -uint64(t)
	}
	return uint64(t)
}

// asFloat returns v as a T. Only a float may be rounded; in JSON, a float may look like an integer.
func asFloat[T float32 | float64](v any, inJSON bool) (T, error) {
	if t, ok := v.(T); ok {
		return t, nil
	}
	n := numberOf(v)
	t := T(n.float)
	fits := !math.IsInf(float64(t), 0) || math.IsInf(n.float, 0)
	switch v.(type) {
	case float32, float64, string, json.Number:
	default:
		abs := math.Abs(float64(t))
		fits = inJSON || abs < 1<<64 && uint64(abs) == n.abs
	}
	if n.known && fits {
		return t, nil
	}
	return 0, &TypeError{Stored: reflect.TypeOf(v), Wanted: reflect.TypeFor[T](), Unfit: n.known}
}
