module github.com/seed1a8f7c28/session

go 1.26

require github.com/lib/pq v1.12.3
