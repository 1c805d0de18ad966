using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Gateway.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Peers : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "DnsServers",
                table: "Tunnels",
                type: "TEXT",
                nullable: false,
                defaultValue: "[]");

            migrationBuilder.AddColumn<long>(
                name: "FirewallMark",
                table: "Tunnels",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<int>(
                name: "KeepaliveSeconds",
                table: "Tunnels",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "SearchDomains",
                table: "Tunnels",
                type: "TEXT",
                nullable: false,
                defaultValue: "[]");

            migrationBuilder.AddColumn<long>(
                name: "DownloadedAt",
                table: "Peers",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<byte[]>(
                name: "DownloadedConfig",
                table: "Peers",
                type: "BLOB",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "DropKeyAfterDownload",
                table: "Peers",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<bool>(
                name: "Enabled",
                table: "Peers",
                type: "INTEGER",
                nullable: false,
                defaultValue: true);

            migrationBuilder.AddColumn<string>(
                name: "Notes",
                table: "Peers",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<long>(
                name: "PreviousKeyUntil",
                table: "Peers",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "PreviousPublicKey",
                table: "Peers",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<byte[]>(
                name: "ProtectedPreviousPresharedKey",
                table: "Peers",
                type: "BLOB",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "ConfigLinks",
                columns: table => new
                {
                    Id = table.Column<Guid>(type: "TEXT", nullable: false),
                    PeerId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    CreatedBy = table.Column<string>(type: "TEXT", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    ExpiresAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ConfigLinks", x => x.Id);
                    table.ForeignKey(
                        name: "FK_ConfigLinks_Peers_PeerId",
                        column: x => x.PeerId,
                        principalTable: "Peers",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "PeerTags",
                columns: table => new
                {
                    PeerId = table.Column<Guid>(type: "TEXT", nullable: false),
                    Tag = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_PeerTags", x => new { x.PeerId, x.Tag });
                    table.ForeignKey(
                        name: "FK_PeerTags_Peers_PeerId",
                        column: x => x.PeerId,
                        principalTable: "Peers",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_Peers_ExpiresAt",
                table: "Peers",
                column: "ExpiresAt",
                filter: "\"ExpiresAt\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_Peers_Name",
                table: "Peers",
                column: "Name");

            migrationBuilder.CreateIndex(
                name: "IX_Peers_PreviousKeyUntil",
                table: "Peers",
                column: "PreviousKeyUntil",
                filter: "\"PreviousKeyUntil\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_Peers_PublicKey",
                table: "Peers",
                column: "PublicKey");

            migrationBuilder.CreateIndex(
                name: "IX_Peers_TunnelId_PreviousPublicKey",
                table: "Peers",
                columns: new[] { "TunnelId", "PreviousPublicKey" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_ConfigLinks_Hash",
                table: "ConfigLinks",
                column: "Hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_ConfigLinks_PeerId",
                table: "ConfigLinks",
                column: "PeerId");

            migrationBuilder.CreateIndex(
                name: "IX_PeerTags_Tag_PeerId",
                table: "PeerTags",
                columns: new[] { "Tag", "PeerId" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "ConfigLinks");

            migrationBuilder.DropTable(
                name: "PeerTags");

            migrationBuilder.DropIndex(
                name: "IX_Peers_ExpiresAt",
                table: "Peers");

            migrationBuilder.DropIndex(
                name: "IX_Peers_Name",
                table: "Peers");

            migrationBuilder.DropIndex(
                name: "IX_Peers_PreviousKeyUntil",
                table: "Peers");

            migrationBuilder.DropIndex(
                name: "IX_Peers_PublicKey",
                table: "Peers");

            migrationBuilder.DropIndex(
                name: "IX_Peers_TunnelId_PreviousPublicKey",
                table: "Peers");

            migrationBuilder.DropColumn(
                name: "DnsServers",
                table: "Tunnels");

            migrationBuilder.DropColumn(
                name: "FirewallMark",
                table: "Tunnels");

            migrationBuilder.DropColumn(
                name: "KeepaliveSeconds",
                table: "Tunnels");

            migrationBuilder.DropColumn(
                name: "SearchDomains",
                table: "Tunnels");

            migrationBuilder.DropColumn(
                name: "DownloadedAt",
                table: "Peers");

            migrationBuilder.DropColumn(
                name: "DownloadedConfig",
                table: "Peers");

            migrationBuilder.DropColumn(
                name: "DropKeyAfterDownload",
                table: "Peers");

            migrationBuilder.DropColumn(
                name: "Enabled",
                table: "Peers");

            migrationBuilder.DropColumn(
                name: "Notes",
                table: "Peers");

            migrationBuilder.DropColumn(
                name: "PreviousKeyUntil",
                table: "Peers");

            migrationBuilder.DropColumn(
                name: "PreviousPublicKey",
                table: "Peers");

            migrationBuilder.DropColumn(
                name: "ProtectedPreviousPresharedKey",
                table: "Peers");
        }
    }
}
