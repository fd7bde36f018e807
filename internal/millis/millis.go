// Package millis converts times to the form that stores use: milliseconds since 1970, and 0 for the zero time.
package millis

import "time"

// Of returns t in milliseconds, rounded down.
func Of(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time returns the time for ms, in the local time zone.
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
