package memcache

import (
	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/cas"
)

// Over returns a backend over an application's own client.
func Over(mc *memcache.Client, c driver.Config) driver.Backend {
	own := &client{caller: &aside{mc: mc}, later: cas.Later(c.Beego)}
	return cas.New(own, &own.seen, form, c)
}

// Exptime is what tests must know of the protocol's times.
var Exptime = exptime
