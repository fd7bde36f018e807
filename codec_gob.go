package session

import "github.com/seed1a8f7c28/session/internal/codec"

// EncodeGob encodes values as beego does. All types in it other than the basic ones must be registered
// with gob.Register; unlike beego's, it registers none by itself, since what only the writer has
// registered cannot be read after a restart. The error wraps [ErrUnencodable] and names the type.
func EncodeGob(obj map[any]any) ([]byte, error) { return codec.EncodeGob(obj) }

// DecodeGob decodes what [EncodeGob] or beego's made. Sizes and depths are checked before anything is
// decoded. The error wraps [ErrCorrupt].
func DecodeGob(encoded []byte) (map[any]any, error) { return codec.DecodeGob(encoded) }
