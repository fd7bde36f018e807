package merge

import (
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// A Version is a session as one save has left it, but for its idle deadline, which moves without a save. It is never changed: all
// Sessions that have loaded it share it, and a store in this process keeps it as it is.
type Version struct {
	Number uint64 // the record's version; 0 before it is stored
	values string // the codec's
	made   int64  // when the session began, as in millis
	ends   int64  // its absolute deadline
	more   *more  // nil if it has nothing of that, as most visitors' sessions
}

// more is what a user's session has.
type more struct {
	user     string // as stored
	authTime int64  // as in millis
	rare     *rare  // nil if it has nothing of that
}

// rare is what few sessions have.
type rare struct {
	codec  codec.Codec // of the values; nil for the default
	meta   *Meta
	stale  bool // it is sealed as records were before, or under an older key: the next save mends that
	packed bool // values are a record's Data, and meta its Alias and Meta, as somebody has stored them: see VersionOf
}

// What stands for the more and the rare of a Version that has none, and for the Version before the first that is known.
var (
	noMore more
	noRare rare
	blank  Version
)

func (v *Version) extra() *more {
	if v.more == nil {
		return &noMore
	}
	return v.more
}

func (v *Version) rare() *rare {
	if r := v.extra().rare; r != nil {
		return r
	}
	return &noRare
}

var defaultCodec, _ = codec.ByName("compact")

// versionOf returns rec with these contents. It comes after the version before, and shares with that what is the same.
func versionOf(rec *driver.Record, c *Contents, before *Version) Version {
	return newVersion(rec, c, before, false)
}

func newVersion(rec *driver.Record, c *Contents, before *Version, packed bool) Version {
	v := Version{Number: rec.Version, values: c.Values, made: millis.Of(rec.Created), ends: millis.Of(rec.Deadline)}
	r := rare{meta: c.Meta, stale: c.Stale, packed: packed}
	if c.Codec != nil && c.Codec.ID() != defaultCodec.ID() {
		r.codec = c.Codec
	}
	m := more{rec.User, millis.Of(rec.AuthTime), before.extra().rare}
	if r != *before.rare() {
		m.rare = &rare{r.codec, r.meta, r.stale, r.packed} // r itself would always be allocated
	}
	if v.more = before.more; m != *before.extra() {
		v.more = &more{m.user, m.authTime, m.rare}
	}
	return v
}

// Codec returns the codec of the values.
func (v *Version) Codec() codec.Codec {
	if c := v.rare().codec; c != nil {
		return c
	}
	return defaultCodec
}

// Values returns the values, as the codec has encoded them.
func (v *Version) Values() string { return v.values }

// User returns who is logged in, as stored.
func (v *Version) User() string { return v.extra().user }

// Created returns when the session began.
func (v *Version) Created() time.Time { return millis.Time(v.made) }

// AuthTime returns when the user logged in.
func (v *Version) AuthTime() time.Time { return millis.Time(v.extra().authTime) }

// Deadline returns the absolute deadline.
func (v *Version) Deadline() time.Time { return millis.Time(v.ends) }

// Contents returns what versionOf was given.
func (v *Version) Contents() Contents {
	r := v.rare()
	return Contents{v.Codec(), v.values, r.meta, r.stale}
}

// record returns v as a record without its contents, that expires then.
func (v *Version) record(expires time.Time) driver.Record {
	return driver.Record{
		Version: v.Number, User: v.User(),
		Created: v.Created(), AuthTime: v.AuthTime(), Expires: expires, Deadline: v.Deadline(),
	}
}

// NewVersion returns that of a session which is not stored yet, whose values will be codec c's.
func NewVersion(c codec.Codec) *Version {
	v := versionOf(&driver.Record{}, &Contents{Codec: c}, &blank)
	return &v
}
