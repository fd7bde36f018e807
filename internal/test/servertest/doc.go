// Package servertest provides real servers for tests: Redis alone, with sentinels and as a cluster, PostgreSQL, also with a
// standby or behind PgBouncer, MariaDB, MySQL and memcached. A [Proxy] breaks the connections to them.
//
// Each server is a separate process of the test binary, on a loopback port chosen at its start, with its data in a separate
// folder. Redis, Postgres, MariaDB, MySQL, Memcached, RedisSentinel and RedisCluster return a server that all tests of the
// binary share. Tests of a shared server use different key prefixes or databases, and leave it running. A test that stops,
// pauses or configures a server starts its own with StartRedis and the like.
//
// A package whose tests use servers has
//
//	func TestMain(m *testing.M) { servertest.Main(m) }
//
// [Chromium] finds a browser for tests that drive one.
//
// The programs come from Debian packages, which programs.txt lists and make test installs. Only MySQL may be missing,
// because it is only in Debian unstable. If SERVERS=off is set in the environment, and on systems other than Linux, tests
// that need a server are skipped.
package servertest
