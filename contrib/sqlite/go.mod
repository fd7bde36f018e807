module github.com/seed1a8f7c28/session/contrib/sqlite

go 1.26.0

replace github.com/seed1a8f7c28/session => ../..

require (
	github.com/seed1a8f7c28/session v0.0.0
	modernc.org/sqlite v1.61.1
)

require (
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/google/pprof v0.0.0-20260906184651-6331bc6350fe // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	golang.org/x/sys v0.49.0 // indirect
	modernc.org/libc v1.79.0 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)

// Only a test of modernc.org/sqlite asks for it, and not every mirror has this version.
exclude github.com/google/pprof v0.0.0-20261016150608-1facf8f91b50
