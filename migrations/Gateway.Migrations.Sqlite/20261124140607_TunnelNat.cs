using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Gateway.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class TunnelNat : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "ClampMss",
                table: "Tunnels",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "Nat",
                table: "Tunnels",
                type: "TEXT",
                nullable: false,
                defaultValue: "[]"); // the generated "{}" is no collection
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "ClampMss",
                table: "Tunnels");

            migrationBuilder.DropColumn(
                name: "Nat",
                table: "Tunnels");
        }
    }
}
