module github.com/seed1a8f7c28/session/contrib/leveldb

go 1.26.0

replace github.com/seed1a8f7c28/session => ../..

require (
	github.com/seed1a8f7c28/session v0.0.0
	github.com/syndtr/goleveldb v1.0.0
)

require github.com/golang/snappy v0.0.0-20180518054509-2e65f85255db // indirect
