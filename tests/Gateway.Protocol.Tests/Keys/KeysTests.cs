namespace Gateway.Protocol.Tests.Keys;

public sealed class KeysTests
{
    private const string Base64 = "YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

    [Fact]
    public void PublicKey_Base64AndHex_RoundTrip()
    {
        Assert.True(PublicKey.TryParse(Base64, out var key));
        Assert.Equal(Base64, key.ToString());
        Assert.True(PublicKey.TryParseHex(key.ToHex(), out var again));
        Assert.Equal(key, again);
        Assert.True(PublicKey.TryParseHex(key.ToHex().ToUpperInvariant(), out again));
        Assert.Equal(key, again);
        Assert.False(key.IsZero);
        Assert.True(default(PublicKey).IsZero);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk")]
    [InlineData("YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBm==")]
    [InlineData("YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBml=")]
    [InlineData("YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk= ")]
    [InlineData(" Anz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=")]
    [InlineData("!Anz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmkk")]
    public void TryParse_NoKey_IsRefused(string? text)
    {
        Assert.False(PublicKey.TryParse(text, out _));
        Assert.False(PrivateKey.TryParse(text, out _));
        Assert.False(PresharedKey.TryParse(text, out _));
    }

    [Theory]
    [InlineData("6009f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf066")]
    [InlineData("6009f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf066g")]
    [InlineData("6009f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf06699")]
    [InlineData(null)]
    public void TryParseHex_NoKey_IsRefused(string? text)
    {
        Assert.False(PublicKey.TryParseHex(text, out _));
        Assert.False(PrivateKey.TryParseHex(text, out _));
        Assert.False(PresharedKey.TryParseHex(text, out _));
    }

    [Fact]
    public void PrivateKey_AnyBytes_AreClamped()
    {
        var key = new PrivateKey(Enumerable.Repeat((byte)0xff, 32).ToArray());
        Assert.Equal(0xf8, key.Bytes[0]);
        Assert.Equal(0x7f, key.Bytes[31]);
        key = new PrivateKey(new byte[32]);
        Assert.Equal(0x40, key.Bytes[31]);
    }

    [Fact]
    public void SecretKey_Text_HidesTheBytes()
    {
        Assert.True(PrivateKey.TryParse(Base64, out var key));
        Assert.Equal("(hidden)", key.ToString());
        Assert.Equal("(hidden)", $"{key}");
    }

    [Fact]
    public void SecretKey_Equality_ComparesBytesAndKind()
    {
        var bytes = Enumerable.Repeat((byte)0x48, 32).ToArray();
        Assert.Equal(new PresharedKey(bytes), new PresharedKey(bytes));
        Assert.NotEqual(new PresharedKey(bytes), new PresharedKey(new byte[32]));
        Assert.False(new PresharedKey(bytes).Equals((SecretKey)new PrivateKey(bytes)));
    }
}
