package memcache

import (
	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/driver"
)

// Over returns a backend over an application's own client.
func Over(mc *memcache.Client, c driver.Config) driver.Backend {
	return &marker{store{client: &client{caller: &aside{mc: mc}}, layout: records(prefix(c.Namespace))}}
}

var (
	Prefix  = prefix
	Exptime = exptime
)
