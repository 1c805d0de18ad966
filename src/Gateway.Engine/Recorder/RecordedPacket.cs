using Gateway.Engine.Taps;

namespace Gateway.Engine.Recorder;

/// <summary>What the flight recorder kept of one packet, or of several of one flow that came one right behind the other: a copy taken when asked.</summary>
/// <param name="Direction">Which way it went.</param>
/// <param name="Drop">Why it was not passed on; null = it was.</param>
/// <param name="Ticks">When, in the data plane's monotonic ticks of 100 ns; of several, the first.</param>
/// <param name="OriginalBytes">How long it was; of several, the first.</param>
/// <param name="Packets">How many.</param>
/// <param name="Bytes">How many bytes they had together.</param>
/// <param name="Data">The first one's first bytes: its headers, and some of what follows where those are short.</param>
public sealed record RecordedPacket(TapDirection Direction, DropReason? Drop, long Ticks, int OriginalBytes, int Packets, int Bytes, byte[] Data);
