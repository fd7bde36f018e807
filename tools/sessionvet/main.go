// Sessionvet finds mistakes in the use of sessions. It is run by go vet:
//
//	go vet -vettool=$(which sessionvet) ./...
package main

import "golang.org/x/tools/go/analysis/unitchecker"

func main() { unitchecker.Main(unreleased, lostError, afterHandler) }
