// Package redis_cluster registers the provider "redis_cluster", as beego's package of this name does. Importing it is the
// same as importing package redis of this module, which has all three providers.
//
// Deprecated: import [github.com/seed1a8f7c28/session/redis].
package redis_cluster

import (
	"github.com/seed1a8f7c28/session"
	_ "github.com/seed1a8f7c28/session/redis" // the provider
)

// SessionStore is another name of [session.Session], as in package redis.
//
// Deprecated: use [session.Session].
type SessionStore = session.Session
