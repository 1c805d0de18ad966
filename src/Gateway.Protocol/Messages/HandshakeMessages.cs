using System.Buffers.Binary;

namespace Gateway.Protocol;

/// <summary>Message types, the little-endian 32-bit word that every message starts with (whitepaper §5.4).</summary>
internal static class MessageType
{
    internal const uint Initiation = 1;
    internal const uint Response = 2;
    internal const uint CookieReply = 3;
    internal const uint Data = 4;
}

/// <summary>Handshake initiation (whitepaper §5.4.2): type, sender, ephemeral, static + tag, timestamp + tag, mac1, mac2.</summary>
internal static class InitiationMessage
{
    internal const int Size = 148;
    internal const int SenderAt = 4;
    internal static readonly Range Noise = 8..116;

    internal static void WriteHeader(Span<byte> message, uint sender)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(message, MessageType.Initiation);
        BinaryPrimitives.WriteUInt32LittleEndian(message[SenderAt..], sender);
    }

    internal static uint ReadSender(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt32LittleEndian(message[SenderAt..]);
}

/// <summary>Handshake response (whitepaper §5.4.3): type, sender, receiver, ephemeral, tag, mac1, mac2.</summary>
internal static class ResponseMessage
{
    internal const int Size = 92;
    internal const int SenderAt = 4;
    internal const int ReceiverAt = 8;
    internal static readonly Range Noise = 12..60;

    internal static void WriteHeader(Span<byte> message, uint sender, uint receiver)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(message, MessageType.Response);
        BinaryPrimitives.WriteUInt32LittleEndian(message[SenderAt..], sender);
        BinaryPrimitives.WriteUInt32LittleEndian(message[ReceiverAt..], receiver);
    }

    internal static uint ReadSender(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt32LittleEndian(message[SenderAt..]);

    internal static uint ReadReceiver(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt32LittleEndian(message[ReceiverAt..]);
}

/// <summary>Cookie reply (whitepaper §5.4.7): type, receiver, nonce, cookie + tag.</summary>
internal static class CookieReplyMessage
{
    internal const int Size = 64;
    internal const int ReceiverAt = 4;
    internal static readonly Range Nonce = 8..32;
    internal static readonly Range Cookie = 32..64;

    internal static void WriteHeader(Span<byte> message, uint receiver)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(message, MessageType.CookieReply);
        BinaryPrimitives.WriteUInt32LittleEndian(message[ReceiverAt..], receiver);
    }

    internal static uint ReadReceiver(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt32LittleEndian(message[ReceiverAt..]);
}

/// <summary>The two MACs that end initiations and responses (whitepaper §5.4.4).</summary>
internal static class MessageMacs
{
    internal static readonly Range Mac1 = ^32..^16;
    internal static readonly Range BeforeMac1 = ..^32;
    internal static readonly Range Mac2 = ^16..;
    internal static readonly Range BeforeMac2 = ..^16;
}
