// Package servertest gives tests real servers: Redis alone, with sentinels and as a cluster, PostgreSQL, also with a standby or
// behind PgBouncer, MariaDB, MySQL and memcached, and a [Proxy] to break the connections to them.
//
// Each server is a process of the test binary's own, on a loopback port picked when it starts, with its data in a
// folder of its own. Redis, Postgres, MariaDB, MySQL, Memcached, RedisSentinel and RedisCluster return one that all tests of
// the binary share; their tests keep apart by key prefixes or databases, and leave it running. A test that stops,
// pauses or configures a server starts its own, with StartRedis and the like.
//
// A package whose tests use servers has
//
//	func TestMain(m *testing.M) { servertest.Main(m) }
//
// [Chromium] finds a browser, for tests that drive one.
//
// The programs come from Debian packages, listed in programs.txt, which make test installs; MySQL alone may be
// missing, since it is in Debian's unstable only. With SERVERS=off in the
// environment, and on systems other than Linux, tests that ask for a server are skipped.
package servertest
