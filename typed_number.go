package session

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
)

// A number is what the getters of numbers make of a stored value.
type number struct {
	neg   bool
	abs   uint64 // of an integer
	whole bool   // it is one, and abs holds it
	float float64
	known bool // it is a number at all
}

// numberOf reads a value of any basic numeric type, or a text as go-sessions does.
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

// asFloat returns v as a T. Only a float may be rounded; in JSON it may look like an integer.
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
