package ledis

import (
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
)

// A script runs on the server, one at a time. A comment at its beginning lists its arguments and results.
type script struct{ text, hash string }

var (
	//go:embed begin.lua
	beginText string
	//go:embed end.lua
	endText string
	//go:embed create.lua
	createText string
	//go:embed save.lua
	saveText string
	//go:embed touch.lua
	touchText string
	//go:embed delete.lua
	deleteText string
	//go:embed rename.lua
	renameText string
	//go:embed reserve.lua
	reserveText string
	//go:embed clear.lua
	clearText string
	//go:embed auth.lua
	authText string
	//go:embed beego_create.lua
	beegoCreateText string
	//go:embed beego_save.lua
	beegoSaveText string
	//go:embed beego_touch.lua
	beegoTouchText string
	//go:embed beego_delete.lua
	beegoDeleteText string

	createScript      = newScript(createText)
	saveScript        = newScript(saveText)
	touchScript       = newScript(touchText)
	deleteScript      = newScript(deleteText)
	renameScript      = newScript(renameText)
	reserveScript     = newScript(reserveText)
	clearScript       = newScript(clearText)
	authScript        = newScript(authText)
	beegoCreateScript = newScript(beegoCreateText)
	beegoSaveScript   = newScript(beegoSaveText)
	beegoTouchScript  = newScript(beegoTouchText)
	beegoDeleteScript = newScript(beegoDeleteText)
)

// newScript puts body between what all scripts have in common, and computes the hash by which the server knows the result.
func newScript(body string) *script {
	text := beginText + body + endText
	sum := sha1.Sum([]byte(text))
	return &script{text, hex.EncodeToString(sum[:])}
}

// The codes that scripts answer with. begin.lua has them under the same names.
const (
	missing int64 = iota
	done
	exists
	conflict
	corrupt
	full
	waits
	failed
)
