package merge

import (
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// A Version is a session as one save has stored it. It does not contain the idle deadline, which moves without a save. Nobody
// changes a Version: all Sessions that have loaded it share it, and a [Keeper] stores it as it is.
type Version struct {
	Number uint64 // the version of the record; 0 before it is stored
	values string // encoded by the codec
	made   int64  // when the session began, as in millis
	ends   int64  // the absolute deadline, as in millis
	more   *more  // nil for most sessions of visitors
}

// more has the fields of a user's session.
type more struct {
	user     string // as stored
	authTime int64  // as in millis
	rare     *rare  // nil for most sessions
}

// rare has the fields that few sessions need.
type rare struct {
	codec  codec.Codec // of the values; nil for the default
	meta   *Meta
	stale  bool // sealed in the old form or under an older key: the next save seals it again
	packed bool // values contains the Data of a record that was not opened, and meta its Alias and Meta: see VersionOf
}

// A Version without more or rare has these. blank is the predecessor of a Version that has none.
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

// versionOf returns rec with these contents, opened. It shares equal parts with before, the version that it follows.
func versionOf(rec *driver.Record, c *Contents, before *Version) Version {
	return newVersion(rec, c, before, false)
}

// newVersion is versionOf for contents that may be packed.
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

// Contents returns the contents.
func (v *Version) Contents() Contents {
	r := v.rare()
	return Contents{v.Codec(), v.values, r.meta, r.stale}
}

// record returns v as a record with this idle deadline, without the contents.
func (v *Version) record(expires time.Time) driver.Record {
	return driver.Record{
		Version: v.Number, User: v.User(),
		Created: v.Created(), AuthTime: v.AuthTime(), Expires: expires, Deadline: v.Deadline(),
	}
}

// NewVersion returns the Version of a session that is not stored yet. Its values will be in codec c.
func NewVersion(c codec.Codec) *Version {
	v := versionOf(&driver.Record{}, &Contents{Codec: c}, &blank)
	return &v
}
