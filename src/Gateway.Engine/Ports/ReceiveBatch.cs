using System.Runtime.InteropServices;

namespace Gateway.Engine.Ports;

/// <summary>
/// Native memory for one batch of received messages: <see cref="Slots"/> slots of <see cref="SlotBytes"/> each. Before each slot's data lie
/// <see cref="HeadroomBytes"/> spare bytes and behind it as many, so that a virtio header can be laid in front of a packet without a copy.
/// </summary>
public sealed unsafe class ReceiveBatch : IDisposable
{
    /// <summary>Messages a receive call may return (recvmmsg of 8 was the best size measured).</summary>
    public const int Slots = 8;

    /// <summary>The largest UDP message with GRO, bytes.</summary>
    public const int SlotBytes = 65536;

    /// <summary>Spare bytes before and behind each slot.</summary>
    public const int HeadroomBytes = 64;

    private const int Stride = HeadroomBytes + SlotBytes + HeadroomBytes;

    /// <summary>Reserves the memory; pages are touched only when used.</summary>
    public ReceiveBatch() => Memory = (byte*)NativeMemory.AlignedAlloc((nuint)(Slots * Stride), 64);

    /// <summary>The start of all slots.</summary>
    public byte* Memory { get; private set; }

    /// <summary>What the last receive returned, in order.</summary>
    public ReceivedMessage[] Messages { get; } = new ReceivedMessage[Slots];

    /// <summary>Offset of a slot's first data byte in <see cref="Memory"/>.</summary>
    public static int SlotOffset(int slot) => (slot * Stride) + HeadroomBytes;

    /// <inheritdoc/>
    public void Dispose()
    {
        // SAFETY: freed once, by the one owner, after the receiving thread has ended.
        NativeMemory.AlignedFree(Memory);
        Memory = null;
    }
}
