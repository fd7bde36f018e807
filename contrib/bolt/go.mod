module github.com/seed1a8f7c28/session/contrib/bolt

go 1.26.0

replace github.com/seed1a8f7c28/session => ../..

require (
	github.com/seed1a8f7c28/session v0.0.0
	go.etcd.io/bbolt v1.5.0
)

require golang.org/x/sys v0.48.0 // indirect
