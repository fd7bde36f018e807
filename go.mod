module github.com/seed1a8f7c28/session

go 1.26
