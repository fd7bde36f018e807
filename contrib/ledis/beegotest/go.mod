module github.com/seed1a8f7c28/session/contrib/ledis/beegotest

go 1.26.0

replace (
	github.com/seed1a8f7c28/session => ../../..
	github.com/seed1a8f7c28/session/contrib/ledis => ..
)

require (
	github.com/beego/beego/v2 v2.3.10
	github.com/ledisdb/ledisdb v0.0.0-20200510135210-d35789ec47e6
	github.com/seed1a8f7c28/session v0.0.0
	github.com/seed1a8f7c28/session/contrib/ledis v0.0.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/cupcake/rdb v0.0.0-20161107195141-43ba34106c76 // indirect
	github.com/edsrzf/mmap-go v1.2.0 // indirect
	github.com/glendc/gopher-json v0.0.0-20170414221815-dc4743023d0c // indirect
	github.com/golang/snappy v1.0.0 // indirect
	github.com/pelletier/go-toml v1.9.5 // indirect
	github.com/redis/go-redis/v9 v9.23.0 // indirect
	github.com/siddontang/go v0.0.0-20180604090527-bdc77568d726 // indirect
	github.com/siddontang/goredis v0.0.0-20150324035039-760763f78400 // indirect
	github.com/siddontang/rdb v0.0.0-20150307021120-fc89ed2e418d // indirect
	github.com/syndtr/goleveldb v1.0.0 // indirect
	github.com/ugorji/go v0.0.0-20171122102828-84cb69a8af83 // indirect
	github.com/yuin/gopher-lua v1.1.2 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/net v0.40.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)
