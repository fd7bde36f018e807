package session

import "github.com/seed1a8f7c28/session/internal/codec"

// EncodeGob encodes values as beego does. The application must register all types in obj with gob.Register, except the
// basic ones. Unlike beego's function it registers none by itself, because a type that only the writer has registered
// cannot be read after a restart. The error wraps [ErrUnencodable] and names the type.
func EncodeGob(obj map[any]any) ([]byte, error) { return codec.EncodeGob(obj) }

// DecodeGob decodes what [EncodeGob] or beego's function has encoded. It checks sizes and depths before it decodes
// anything. The error wraps [ErrCorrupt].
func DecodeGob(encoded []byte) (map[any]any, error) { return codec.DecodeGob(encoded) }
